import { Elysia } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { changing, orderOf } from "../change-routes.ts";
import { IdParams, pageSchema } from "../schemas.ts";
import { audienceView } from "./audience-counts.ts";
import { AudienceAnswer, BroadcastBody, BroadcastRow, BroadcastsQuery } from "./broadcast-schemas.ts";
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
    .get("/audience", ({ ctx }) => audienceView(ctx), {
      owner: "write",
      query: NoQuerySchema,
      response: { 200: AudienceAnswer },
      detail: {
        summary: "How many people each segment has",
        description:
          "As counted at the moment `at`; where that is more than a minute ago a new count begins and is there shortly. An estimate: a broadcast asks of each person anew when it comes to them.",
      },
    })
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
      async (asked) =>
        broadcastRow(await changeBroadcast(asked.ctx, { ...orderOf(asked), draft: draftOf(asked.body) })),
      {
        owner: "write",
        ...changing(BroadcastRow, { summary: "Change a draft", refusals: ["not_found", "broadcast_not_ready"] }),
        body: BroadcastBody,
      },
    )
    .use(broadcastActions(guarded));
}

function broadcastActions(guarded: ReturnType<typeof guard>) {
  return new Elysia({ tags: ["admin"] })
    .use(guarded)
    .post(
      "/:id/test",
      async (asked) => broadcastRow(await testBroadcast(asked.ctx, { ...orderOf(asked), operator: asked.person })),
      {
        owner: "write",
        ...changing(BroadcastRow, {
          summary: "Send a draft to myself",
          refusals: ["not_found", "broadcast_not_ready", "bot_cannot_write"],
        }),
      },
    )
    .post("/:id/start", async (asked) => broadcastRow(await startBroadcast(asked.ctx, orderOf(asked))), {
      owner: "write",
      ...changing(BroadcastRow, {
        summary: "Start a draft that I have looked at",
        description: "15 people a second, behind all other messages; one broadcast after another.",
        refusals: ["not_found", "broadcast_not_ready"],
      }),
    })
    .post("/:id/stop", async (asked) => broadcastRow(await stopBroadcast(asked.ctx, orderOf(asked))), {
      owner: "write",
      ...changing(BroadcastRow, {
        summary: "Stop a broadcast for good",
        refusals: ["not_found", "broadcast_not_ready"],
      }),
    });
}

function draftOf(body: { segment: "all" | "free" | "subscribed" | "sleeping"; text_ru: string; text_en: string }) {
  return { segment: body.segment, textRu: body.text_ru, textEn: body.text_en };
}
