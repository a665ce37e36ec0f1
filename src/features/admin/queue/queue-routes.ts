import { Elysia } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import { listJobs } from "../../../platform/queue/inspect.ts";
import type { guard } from "../../auth/guard.ts";
import { changing, orderOf } from "../change-routes.ts";
import { IdParams, pageSchema } from "../schemas.ts";
import { jobCard, jobRow, parkByOperator, queueView, retryByOperator, retryParkedByOperator } from "./job-list.ts";
import { JobCard, JobRow, JobsQuery, QueueAnswer, RetryParkedAnswer, RetryParkedBody } from "./queue-schemas.ts";

/** The queue and its dead letters. */
export function adminQueueRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/queue", tags: ["admin"] })
    .use(guarded)
    .get("/", ({ ctx }) => queueView(ctx), {
      viewer: "read",
      query: NoQuerySchema,
      response: { 200: QueueAnswer },
      detail: { summary: "How much work waits, and who does it" },
    })
    .get(
      "/jobs",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listJobs(ctx, { ...query, order: "newest", before, limit: limit + 1 });
        return cursorPage(rows.map(jobRow), limit);
      },
      {
        viewer: "read",
        query: JobsQuery,
        response: { 200: pageSchema(JobRow) },
        detail: { summary: "Jobs, newest first", description: "`state=parked` gives the dead letters." },
      },
    )
    .get("/jobs/:id", ({ params, ctx }) => jobCard(ctx, params.id), {
      viewer: "read",
      params: IdParams,
      query: NoQuerySchema,
      response: { 200: JobCard },
      detail: { summary: "One job and who has it in hand", ...refuses("not_found") },
    })
    .post("/jobs/:id/retry", async (asked) => jobRow(await retryByOperator(asked.ctx, orderOf(asked))), {
      owner: "write",
      ...changing(JobRow, { summary: "Run a job again", refusals: ["not_found", "already_finished"] }),
    })
    .post("/jobs/:id/park", async (asked) => jobRow(await parkByOperator(asked.ctx, orderOf(asked))), {
      owner: "write",
      ...changing(JobRow, { summary: "Set a job aside", refusals: ["not_found", "already_finished"] }),
    })
    .post(
      "/retry",
      async ({ body, person, ctx }) => ({
        jobs: await retryParkedByOperator(ctx, { operatorId: person.id, kind: body.kind, reason: body.reason }),
      }),
      {
        owner: "write",
        query: NoQuerySchema,
        body: RetryParkedBody,
        response: { 200: RetryParkedAnswer },
        detail: { summary: "Run all dead letters again, or those of one kind" },
      },
    );
}
