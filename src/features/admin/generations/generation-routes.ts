import { Elysia } from "elysia";
import type { Context } from "../../../context.ts";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { IdempotencyHeaders, NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { type Generation, ORDER_REFUSALS } from "../../generations/index.ts";
import { changing, onceForKey, orderOf } from "../change-routes.ts";
import { IdParams, pageSchema, ReasonBody } from "../schemas.ts";
import { anyGeneration, generationCard, generationRows, listGenerations } from "./generation-list.ts";
import { AdminGenerationCard, GenerationRow, GenerationsQuery } from "./generation-schemas.ts";
import { releaseByOperator, retryByOperator } from "./mend.ts";

/** Pictures of everybody: how they ended, why not, and mending one. */
export function adminGenerationRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/generations", tags: ["admin"] })
    .use(guarded)
    .get(
      "/",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listGenerations(ctx, query, { before, limit: limit + 1 });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: await generationRows(ctx, items), next_cursor };
      },
      {
        viewer: "read",
        query: GenerationsQuery,
        response: { 200: pageSchema(GenerationRow) },
        detail: { summary: "Pictures, newest first" },
      },
    )
    .get("/:id", ({ params, ctx }) => generationCard(ctx, params.id), {
      viewer: "read",
      params: IdParams,
      query: NoQuerySchema,
      response: { 200: AdminGenerationCard },
      detail: { summary: "One picture with its tasks at the provider", ...refuses("not_found") },
    })
    .post(
      "/:id/retry",
      async (asked) => {
        const made = await onceForKey(asked, `POST /admin/generations/${asked.params.id}/retry`, async (tx) => ({
          answer: { id: (await retryByOperator(tx, orderOf(asked))).id },
          status: 202,
        }));
        return asked.status(202, await only(asked.ctx, await anyGeneration(asked.ctx, made.id)));
      },
      {
        support: "write",
        headers: IdempotencyHeaders,
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 202: GenerationRow },
        detail: {
          summary: "Run a picture again that was not made",
          description:
            "As the person could: a new picture, paid by their credits. Grant them some where they have none.",
          ...refuses("not_found", "already_finished", "generation_active", "photo_expired", ...ORDER_REFUSALS),
        },
      },
    )
    .post("/:id/release", async (asked) => only(asked.ctx, await releaseByOperator(asked.ctx, orderOf(asked))), {
      support: "write",
      ...changing(GenerationRow, {
        summary: "End a stuck picture and give back what it holds",
        refusals: ["not_found", "already_finished"],
      }),
    });
}

async function only(ctx: Pick<Context, "db">, generation: Generation) {
  const [row] = await generationRows(ctx, [generation]);
  if (!row) throw new Error("one generation gives one row");
  return row;
}
