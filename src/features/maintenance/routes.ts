import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { languageOf } from "../../platform/http/problem.ts";
import { closed, NoQuerySchema } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { maintenanceOf } from "./switch.ts";

const MaintenanceSchema = t.Object(
  {
    since: t.Nullable(t.String({ format: "date-time" }), { examples: ["2026-03-14T09:26:53.589Z"] }),
    notice: t.Nullable(t.String({ description: "The owner's own words, in the language of the request." }), {
      examples: ["We are moving house. Back at noon."],
    }),
  },
  closed,
);

const StatusSchema = t.Object(
  {
    maintenance: t.Nullable(MaintenanceSchema, {
      description: "Null while new pictures are taken. Otherwise everything works but ordering them.",
      examples: [null],
    }),
    sandbox: t.Boolean({ description: "Nothing here costs money; people are made up.", examples: [false] }),
    app_link: t.Nullable(t.String({ description: "Where the app opens in Telegram." }), {
      examples: ["https://t.me/atelier_bot/app"],
    }),
    support_contact: t.Nullable(t.String({ description: "Where people turn with questions, as the owner wrote it." }), {
      examples: ["@your_support"],
    }),
  },
  { ...closed, title: "Status" },
);

/** What the Mini App asks before it offers anything. */
export function statusRoutes(guarded: ReturnType<typeof guard>, { isSandbox }: { isSandbox: boolean }) {
  return new Elysia({ tags: ["health"] }).use(guarded).get(
    "/status",
    async ({ ctx, request }) => ({
      maintenance: await viewFor(ctx, languageOf(request)),
      sandbox: isSandbox,
      app_link: appLink(ctx),
      support_contact: ctx.settings.SUPPORT_CONTACT === "" ? null : ctx.settings.SUPPORT_CONTACT,
    }),
    {
      anyone: "read",
      query: NoQuerySchema,
      response: { 200: StatusSchema },
      detail: { summary: "Whether new pictures are taken, and where the app opens", security: [] },
    },
  );
}

function appLink({ settings }: Pick<Context, "settings">): string | null {
  const { TELEGRAM_BOT_NAME: bot, TELEGRAM_APP_NAME: app } = settings;
  if (bot === "") return null;
  return app === "" ? `https://t.me/${bot}` : `https://t.me/${bot}/${app}`;
}

async function viewFor(ctx: Context, language: "ru" | "en") {
  const maintenance = await maintenanceOf(ctx);
  if (!maintenance.isOn) return null;
  if (maintenance.by === "setting") return { since: null, notice: null };
  const { since, notice } = maintenance;
  // A text in the other language says more than none.
  const text = language === "ru" ? (notice?.ru ?? notice?.en) : (notice?.en ?? notice?.ru);
  return { since: since.toISOString(), notice: text ?? null };
}
