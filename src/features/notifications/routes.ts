import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { closed, NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { checkWebhookSecret, isWebhookSecret, takeUpdate } from "./bot-updates.ts";

/** A long message that answers another one, with every letter escaped, is larger than any body of our own clients. */
export const UPDATE_BYTES_MAX = 1024 * 1024;
/** Telegram sends the webhook's secret back in this header. */
const SECRET_HEADER = "x-telegram-bot-api-secret-token";

/** Whether a request carries the webhook's secret; then it comes from Telegram, and may be as large as an update is. */
export function isFromTelegram(ctx: Pick<Context, "settings">, request: Request): boolean {
  return isWebhookSecret(ctx, request.headers.get(SECRET_HEADER));
}

/** The bot's updates. */
export function telegramRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/telegram", tags: ["providers"] }).use(guarded).post(
    "/webhook",
    async ({ body, request, ctx }) => {
      checkWebhookSecret(ctx, request.headers.get(SECRET_HEADER));
      const outcome = await takeUpdate(ctx, body);
      ctx.log.debug("an update of the bot", { outcome });
      return { ok: true as const };
    },
    {
      hint: "telegram",
      query: NoQuerySchema,
      body: t.Unknown({ description: "An `Update` as Telegram sends it." }),
      response: { 200: t.Object({ ok: t.Literal(true) }, closed) },
      detail: {
        summary: "Telegram says that somebody wrote to the bot, blocked it or let it in again",
        description:
          "Answers 200 to everything that carries the right secret, since Telegram repeats all else for a day.",
        security: [{ telegramWebhookSecret: [] }],
        ...refuses("unauthenticated", "not_found"),
      },
    },
  );
}
