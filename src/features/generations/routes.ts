import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { once } from "../../platform/http/idempotency.ts";
import { cursorPage, pageOf } from "../../platform/http/page.ts";
import {
  closed,
  IdempotencyHeaders,
  IdSchema,
  NoQuerySchema,
  PageQuerySchema,
  refuses,
} from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { attemptOfCallback } from "./attempts.ts";
import { takeCallback } from "./callback.ts";
import { cancelGeneration, deleteGeneration, retryGeneration } from "./cancel.ts";
import { orderOnce } from "./order-once.ts";
import {
  CancelAnswerSchema,
  GenerationListSchema,
  GenerationSchema,
  GenerationStatusSchema,
  GenerationTypeSchema,
  ORDER_REFUSALS,
  SendAnswerSchema,
} from "./schemas.ts";
import { sendToChat } from "./send-to-chat.ts";
import { listGenerations, ownGeneration, viewGeneration, viewGenerations } from "./view.ts";

const params = t.Object({ id: IdSchema });

/** The person's pictures: made, in work, failed. */
export function generationRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/generations", tags: ["generations"] })
    .use(guarded)
    .get(
      "/",
      async ({ query, person, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listGenerations(ctx, person.id, {
          before,
          limit: limit + 1,
          type: query.type,
          status: query.status,
          sessionId: query.session_id,
        });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: await viewGenerations(ctx, items, person.language), next_cursor };
      },
      {
        signedIn: "read",
        query: t.Object(
          {
            ...PageQuerySchema,
            type: t.Optional(GenerationTypeSchema),
            status: t.Optional(GenerationStatusSchema),
            session_id: t.Optional(IdSchema),
          },
          closed,
        ),
        response: { 200: GenerationListSchema },
        detail: { summary: "My generations, newest first" },
      },
    )
    .get(
      "/:id",
      async ({ params, person, ctx }) =>
        viewGeneration(ctx, await ownGeneration(ctx, person.id, params.id), person.language),
      {
        signedIn: "read",
        query: NoQuerySchema,
        params,
        response: { 200: GenerationSchema },
        detail: { summary: "One generation", ...refuses("not_found") },
      },
    )
    .post(
      "/:id/cancel",
      async ({ params, person, ctx }) => ({ status: await cancelGeneration(ctx, person.id, params.id) }),
      {
        signedIn: "write",
        query: NoQuerySchema,
        params,
        response: { 200: CancelAnswerSchema },
        detail: {
          summary: "Cancel, with an honest answer",
          description:
            "`cancelled`: nothing was charged. `cancel_requested`: the picture is being made already; if it gets ready it is delivered and paid for.",
          ...refuses("not_found"),
        },
      },
    )
    .post(
      "/:id/retry",
      async ({ params, headers, person, ctx, status, set }) => {
        const route = `POST /generations/${params.id}/retry`;
        const request = { person, headers, route, body: null, answerHeaders: set.headers };
        return status(202, await orderOnce(ctx, request, (tx) => retryGeneration(tx, person.id, params.id)));
      },
      {
        signedIn: "generate",
        query: NoQuerySchema,
        params,
        headers: IdempotencyHeaders,
        response: { 202: GenerationSchema },
        detail: {
          summary: "Run again, with a new charge",
          ...refuses("not_found", "photo_expired", "generation_active", ...ORDER_REFUSALS),
        },
      },
    )
    .post(
      "/:id/send",
      async ({ params, headers, person, ctx, status, set }) => {
        const route = `POST /generations/${params.id}/send`;
        const request = { userId: person.id, key: headers["idempotency-key"], route, body: null };
        const result = await once(ctx, request, async (tx) => ({
          answer: await sendToChat(tx, person.id, params.id),
          status: 202,
        }));
        if (result.replayed) set.headers["idempotency-replayed"] = "true";
        return status(202, result.answer);
      },
      {
        signedIn: "write",
        query: NoQuerySchema,
        params,
        headers: IdempotencyHeaders,
        response: { 202: SendAnswerSchema },
        detail: {
          summary: "Send a finished picture to my chat with the bot, as a document",
          description:
            "`bot_cannot_write` says in `telegram_write_state` why not; pressing Start in the bot (`bot_link`) mends it.",
          ...refuses("not_found", "generation_active", "photo_expired", "bot_cannot_write"),
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, person, ctx, status }) => {
        await deleteGeneration(ctx, person.id, params.id);
        return status(204, undefined);
      },
      {
        signedIn: "write",
        query: NoQuerySchema,
        params,
        response: { 204: t.Void() },
        detail: {
          summary: "Delete a finished generation and its pictures",
          ...refuses("not_found", "generation_active"),
        },
      },
    );
}

/** kie.ai's callback. */
export function kieRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/kie", tags: ["providers"] }).use(guarded).post(
    "/callback/:secret",
    async ({ params, body, request, ctx }) => {
      await takeCallback(ctx, {
        secret: params.secret,
        body,
        timestamp: request.headers.get("x-webhook-timestamp"),
        signature: request.headers.get("x-webhook-signature"),
      });
      return { code: 200 as const, msg: "success" as const };
    },
    {
      hint: "kie",
      params: t.Object({ secret: t.String({ minLength: 1, maxLength: 200 }) }),
      body: t.Unknown({ description: "As kie.ai sends it; a hint, always re-read." }),
      response: { 200: t.Object({ code: t.Literal(200), msg: t.Literal("success") }, closed) },
      detail: { summary: "kie.ai says that a task ended", ...refuses("forbidden", "not_found") },
    },
  );
}

/** Whether a callback's address was handed out by us; nobody but kie.ai knows it. Asked before the router has read it. */
export function isFromKie(ctx: Pick<Context, "settings">, request: Request): boolean {
  const secret = new URL(request.url).pathname.replace(/\/$/, "").split("/").at(-1) ?? "";
  return attemptOfCallback(ctx, secret) !== null;
}
