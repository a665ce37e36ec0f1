import { Elysia } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { IdParams, pageSchema, ReasonBody } from "../schemas.ts";
import { BroadcastBody, BroadcastRow, BroadcastsQuery } from "./broadcast-schemas.ts";
import {
  anyBroadcast,
  broadcastRow,
  changeBroadcast,
  createBroadcast,
  listBroadcasts,
  startBroadcast,
  stopBroadcast,
  testBroadcast,
} from "./broadcasts.ts";

/** Messages to many people: draft, try on oneself, start, stop. */
export function broadcastRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/broadcasts", tags: ["admin"] })
    .use(guarded)
    .get(
      "/",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const { items, next_cursor } = cursorPage(await listBroadcasts(ctx, { before, limit: limit + 1 }), limit);
        return { items: items.map(broadcastRow), next_cursor };
      },
      {
        viewer: "read",
        query: BroadcastsQuery,
        response: { 200: pageSchema(BroadcastRow) },
        detail: { summary: "Broadcasts, newest first" },
      },
    )
    .get("/:id", async ({ params, ctx }) => broadcastRow(await anyBroadcast(ctx, params.id)), {
      viewer: "read",
      params: IdParams,
      query: NoQuerySchema,
      response: { 200: BroadcastRow },
      detail: { summary: "One broadcast with its counts", ...refuses("not_found") },
    })
    .post(
      "/",
      async ({ body, person, ctx, status }) =>
        status(
          201,
          broadcastRow(
            await createBroadcast(ctx, { operatorId: person.id, reason: body.reason, draft: draftOf(body) }),
          ),
        ),
      {
        owner: "write",
        query: NoQuerySchema,
        body: BroadcastBody,
        response: { 201: BroadcastRow },
        detail: { summary: "Draft a broadcast" },
      },
    )
    .post(
      "/:id/change",
      async ({ params, body, person, ctx }) =>
        broadcastRow(
          await changeBroadcast(ctx, {
            id: params.id,
            operatorId: person.id,
            reason: body.reason,
            draft: draftOf(body),
          }),
        ),
      {
        owner: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: BroadcastBody,
        response: { 200: BroadcastRow },
        detail: { summary: "Change a draft", ...refuses("not_found", "broadcast_not_ready") },
      },
    )
    .use(broadcastActions(guarded));
}

function broadcastActions(guarded: ReturnType<typeof guard>) {
  return new Elysia({ tags: ["admin"] })
    .use(guarded)
    .post(
      "/:id/test",
      async ({ params, body, person, ctx }) =>
        broadcastRow(
          await testBroadcast(ctx, { id: params.id, operatorId: person.id, operator: person, reason: body.reason }),
        ),
      {
        owner: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: BroadcastRow },
        detail: {
          summary: "Send a draft to myself",
          ...refuses("not_found", "broadcast_not_ready", "bot_cannot_write"),
        },
      },
    )
    .post(
      "/:id/start",
      async ({ params, body, person, ctx }) =>
        broadcastRow(await startBroadcast(ctx, { id: params.id, operatorId: person.id, reason: body.reason })),
      {
        owner: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: BroadcastRow },
        detail: {
          summary: "Start a draft that I have looked at",
          description: "15 people a second, behind all other messages; one broadcast after another.",
          ...refuses("not_found", "broadcast_not_ready"),
        },
      },
    )
    .post(
      "/:id/stop",
      async ({ params, body, person, ctx }) =>
        broadcastRow(await stopBroadcast(ctx, { id: params.id, operatorId: person.id, reason: body.reason })),
      {
        owner: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: BroadcastRow },
        detail: { summary: "Stop a broadcast for good", ...refuses("not_found", "broadcast_not_ready") },
      },
    );
}

function draftOf(body: { segment: "all" | "free" | "subscribed" | "sleeping"; text_ru: string; text_en: string }) {
  return { segment: body.segment, textRu: body.text_ru, textEn: body.text_en };
}
