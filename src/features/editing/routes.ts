import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { invariant, Refusal } from "../../platform/errors.ts";
import { once } from "../../platform/http/idempotency.ts";
import { stepAside } from "../../platform/http/in-hand.ts";
import { withUpload } from "../../platform/http/multipart.ts";
import { originRule } from "../../platform/http/origins.ts";
import { cursorPage, pageOf } from "../../platform/http/page.ts";
import {
  closed,
  IdempotencyHeaders,
  IdSchema,
  NoQuerySchema,
  PageQuerySchema,
  refuses,
} from "../../platform/http/schemas.ts";
import { newId } from "../../platform/ids.ts";
import { UPLOAD_BYTES_MAX } from "../../platform/images/index.ts";
import type { LiveHub } from "../../platform/live/hub.ts";
import type { SignOuts } from "../../platform/live/sign-outs.ts";
import type { guard } from "../auth/guard.ts";
import { CLOSE_TICKET_INVALID, holderOfTicket } from "../auth/index.ts";
import { orderOnce } from "../generations/index.ts";
import { GenerationSchema, ORDER_REFUSALS } from "../generations/schemas.ts";
import { photoView, storePhotos } from "../photos/index.ts";
import { FileEncoding, FileSchema, PhotoSchema, UPLOAD_MS_MAX, UPLOAD_REFUSALS } from "../photos/schemas.ts";
import type { UploadGate } from "../photos/upload-gate.ts";
import { answerOf } from "./answer.ts";
import { createChatSocket } from "./chat-socket.ts";
import { listConversations, ownConversation, resetConversation } from "./conversations.ts";
import { ChatBodySchema, EditBodySchema, SessionListSchema, SessionSchema, TurnAnswerSchema } from "./schemas.ts";
import { startEdit } from "./start-edit.ts";
import { startTurn } from "./start-turn.ts";
import { viewConversation, viewConversationLine } from "./view.ts";

const TURN_REFUSALS = [
  "consent_required",
  "not_found",
  "photo_expired",
  "prompt_refused",
  "insufficient_credits",
  "generation_unavailable",
  "assistant_unavailable",
] as const;

/** Editing by talking: a photo, a conversation, an order. */
export function editingRoutes(
  guarded: ReturnType<typeof guard>,
  root: Context,
  { hub, uploads, signOuts }: { hub: LiveHub; uploads: UploadGate; signOuts: SignOuts },
) {
  const mayConnect = originRule(root.settings);
  const sockets = new WeakMap<object, ReturnType<typeof createChatSocket>>();
  return new Elysia({ prefix: "/editing", tags: ["editing"] })
    .use(guarded)
    .post(
      "/upload",
      async ({ request, person, ctx }) =>
        uploads.pass(person.id, request, async () => {
          ctx.images.expectPicture();
          const rules = { fields: ["photo"], bytesMax: UPLOAD_BYTES_MAX, deadlineMs: UPLOAD_MS_MAX };
          const [file] = await withUpload(request, rules, async (parts) => {
            const part = parts.get("photo");
            if (!part) throw new Refusal("validation_failed", { errors: [{ path: "photo", message: "is missing" }] });
            return storePhotos(ctx, person.id, [{ field: "photo", purpose: "edit_photo", ...part }]);
          });
          invariant(file, "one file is stored for one upload");
          return { photo: photoView(ctx, file) };
        }),
      {
        signedIn: "upload",
        query: NoQuerySchema,
        parse: "none",
        response: { 200: t.Object({ photo: PhotoSchema }, closed) },
        detail: {
          summary: "Upload the photo that is to be edited",
          description: "JPEG, PNG or WebP, at most 5 MB and 40 megapixels. Kept for 30 days.",
          requestBody: {
            required: true,
            content: {
              "multipart/form-data": {
                schema: {
                  type: "object",
                  required: ["photo"],
                  additionalProperties: false,
                  properties: { photo: FileSchema },
                },
                encoding: { photo: FileEncoding },
              },
            },
          },
          ...refuses(...UPLOAD_REFUSALS),
        },
      },
    )
    .post(
      "/chat",
      async ({ body, headers, person, ctx, set, request: asked }) => {
        const request = { userId: person.id, key: headers["idempotency-key"], route: "POST /editing/chat", body };
        const started = await once(ctx, request, async (tx) => {
          const turn = await startTurn(tx, {
            userId: person.id,
            message: body.message,
            sessionId: body.session_id,
            photoId: body.photo_id,
            generationId: body.generation_id,
            clientId: body.id,
          });
          return { answer: { turn_id: turn.id }, status: 202 };
        });
        if (started.replayed) set.headers["idempotency-replayed"] = "true";
        stepAside(asked);
        return answerOf(ctx, hub, started.answer.turn_id);
      },
      {
        signedIn: "generate",
        query: NoQuerySchema,
        headers: IdempotencyHeaders,
        body: ChatBodySchema,
        response: { 200: TurnAnswerSchema },
        detail: {
          summary: "Say what is wanted, get three worked-out variants",
          description:
            "Costs 1 credit, or one free action; nothing is charged without three valid variants. Answers when they are there; the turn goes on when the connection does not.",
          ...refuses(...TURN_REFUSALS),
        },
      },
    )
    .post(
      "/generate",
      async ({ body, headers, person, ctx, status, set }) => {
        const request = { person, headers, route: "POST /editing/generate", body, answerHeaders: set.headers };
        const answer = await orderOnce(ctx, request, (tx) =>
          startEdit(tx, {
            userId: person.id,
            sessionId: body.session_id,
            photoId: body.photo_id,
            generationId: body.generation_id,
            variantId: body.variant_id,
            prompt: body.prompt,
          }),
        );
        return status(202, answer);
      },
      {
        signedIn: "generate",
        query: NoQuerySchema,
        headers: IdempotencyHeaders,
        body: EditBodySchema,
        response: { 202: GenerationSchema },
        detail: {
          summary: "Order an edit of a photo or of an earlier result",
          description: "Costs 1 credit, or one free action. Nothing is charged unless it succeeds.",
          ...refuses("not_found", "photo_expired", "prompt_refused", ...ORDER_REFUSALS),
        },
      },
    )
    .post(
      "/reset",
      async ({ body, person, ctx }) => ({
        session_id: (await resetConversation(ctx, person.id, body?.session_id)).sessionId,
      }),
      {
        signedIn: "write",
        query: NoQuerySchema,
        body: t.Optional(t.Object({ session_id: t.Optional(IdSchema) }, closed)),
        response: { 200: t.Object({ session_id: t.String({ format: "uuid" }) }, closed) },
        detail: {
          summary: "A fresh conversation; the old history is gone",
          ...refuses("not_found", "request_in_progress"),
        },
      },
    )
    .get(
      "/sessions",
      async ({ query, person, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listConversations(ctx, person.id, { before, limit: limit + 1 });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: items.map(viewConversationLine), next_cursor };
      },
      {
        signedIn: "read",
        query: t.Object(PageQuerySchema, closed),
        response: { 200: SessionListSchema },
        detail: { summary: "My conversations, newest first" },
      },
    )
    .get(
      "/sessions/:id",
      async ({ params, person, ctx }) => viewConversation(ctx, await ownConversation(ctx, person.id, params.id)),
      {
        signedIn: "read",
        query: NoQuerySchema,
        params: t.Object({ id: IdSchema }),
        response: { 200: SessionSchema },
        detail: { summary: "One conversation with its messages", ...refuses("not_found") },
      },
    )
    .ws("/chat", {
      query: t.Object({ ticket: t.String({ maxLength: 128 }) }, closed),
      detail: {
        summary: "The same turn, streamed",
        description:
          "Client: `message` {id, session_id?, content, photo_id?, generation_id?}. Server: `accepted`, `delta`, `restart`, `variants`, `done` or `error`, each with the client's id. The same id again is the same turn and is charged once.",
        security: [{ liveTicket: [] }],
        ...refuses("forbidden"),
      },
      beforeHandle({ request }) {
        if (!mayConnect(request.headers.get("origin"))) throw new Refusal("forbidden");
      },
      async open(ws) {
        const holder = await holderOfTicket(root, ws.data.query.ticket ?? "");
        if (!holder) {
          ws.close(CLOSE_TICKET_INVALID, "the ticket is not valid");
          return;
        }
        signOuts.watch(ws.raw, { userId: holder.person.id, stillAllowed: holder.stillAllowed });
        sockets.set(ws.raw, createChatSocket(root, hub, ws.raw, holder, newId()));
        ws.send(JSON.stringify({ type: "hello" }));
      },
      message(ws, message) {
        sockets.get(ws.raw)?.take(message);
      },
      close(ws) {
        signOuts.forget(ws.raw);
        sockets.delete(ws.raw);
      },
    });
}
