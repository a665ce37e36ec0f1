import { OperatorError } from "../platform/errors.ts";
import type { JobRow } from "../platform/queue/claim.ts";
import {
  findJob,
  JOB_STATES,
  listJobs,
  parkByHand,
  queueDepth,
  retryJob,
  retryParkedJobs,
  viewJob,
} from "../platform/queue/inspect.ts";
import {
  type Command,
  oneOfFrom,
  print,
  printJson,
  readArguments,
  shownMoment,
  table,
  wholeNumberFrom,
  withContext,
} from "./command.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 10_000;
/** Wider ones would break the table's lines; `jobs show` has all of it. */
const REASON_LENGTH_MAX = 80;

const LIST_USAGE = `Usage: atelier jobs list [--state ${JOB_STATES.join("|")}] [--kind <kind>] [--limit <number>] [--json]`;

export const jobsListCommand: Command = {
  name: "jobs list",
  summary: "what stands in the queue: parked, in work, waiting",
  help: `${LIST_USAGE}

  --state   ready: waits for its time · leased: in a worker's hands · parked: set aside until somebody looks at it
  --kind    only jobs of this kind, such as generation.run
  --limit   show at most this many; default ${LIMIT_DEFAULT}
  --json    for a program

A job is parked when all its tries failed, when trying again is pointless, when its worker died each time, or when no
worker knows its kind ("unknown job kind"). Nothing is ever dropped: look at it with \`jobs show\`, run it again with
\`jobs retry\`.

Examples:
  atelier jobs list --state parked
  atelier jobs list --kind generation.run --limit 200`,
  async run(args) {
    const options = { state: "string", kind: "string", limit: "string", json: "boolean" } as const;
    const { values } = readArguments(args, { usage: LIST_USAGE, options });
    const limit = wholeNumberFrom(values.limit ?? String(LIMIT_DEFAULT), "--limit", { min: 1, max: LIMIT_MAX });
    const state = values.state === undefined ? undefined : oneOfFrom(values.state, "--state", JOB_STATES);
    const { rows, depth } = await withContext(async (ctx) => ({
      rows: await listJobs(ctx, { state, kind: values.kind, limit }),
      depth: await queueDepth(ctx),
    }));
    if (values.json) {
      printJson({ queue: depth, jobs: rows.map(jobView) });
      return 0;
    }
    if (rows.length > 0) print(`${table(["job", "kind", "state", "due", "failures", "why"], rows.map(jobCells))}\n`);
    const wait = depth.oldestDueMs === null ? "" : `, the oldest for ${Math.round(depth.oldestDueMs / 1000)} s`;
    print(`${depth.ready} ready (${depth.due} due${wait}), ${depth.leased} leased, ${depth.parked} parked.`);
    if (rows.length === limit) print(`Shown are the first ${limit}; --limit shows more.`);
    return 0;
  },
};

const SHOW_USAGE = "Usage: atelier jobs show <id> [--json]";

export const jobsShowCommand: Command = {
  name: "jobs show",
  summary: "everything about one job",
  help: `${SHOW_USAGE}

Example:
  atelier jobs show 019aab11-65b0-7cc3-8f2e-4f9d1f0f5a1b`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: SHOW_USAGE,
      options: { json: "boolean" },
      words: ["id"],
    });
    const { job, isAnyAlive, isKnown } = await withContext(
      async (ctx) => (await viewJob(ctx, words[0])) ?? noSuchJob(words[0]),
    );
    const view = jobView(job);
    if (values.json) {
      printJson({ ...view, known_to_a_worker: isKnown });
      return 0;
    }
    const width = Math.max(...Object.keys(view).map((name) => name.length));
    for (const [name, value] of Object.entries(view)) {
      const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "-");
      print(`${name.replaceAll("_", " ").padEnd(width)}  ${text}`);
    }
    if (!isAnyAlive) print("\nNo worker is running.");
    else if (!isKnown) print("\nNo running worker knows this kind: it belongs to another version of the program.");
    return 0;
  },
};

const RETRY_USAGE = "Usage: atelier jobs retry <id> | atelier jobs retry --all-parked [--kind <kind>]";

export const jobsRetryCommand: Command = {
  name: "jobs retry",
  summary: "run a parked job again, or all of them",
  help: `${RETRY_USAGE}

  --all-parked   every parked job
  --kind         with --all-parked: only those of this kind

The job becomes due now, with all its tries before it; a waiting one does not wait any longer. Jobs are made to be run
again: what they had done already is not done twice.

Examples:
  atelier jobs retry 019aab11-65b0-7cc3-8f2e-4f9d1f0f5a1b
  atelier jobs retry --all-parked --kind generation.run`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: RETRY_USAGE,
      options: { "all-parked": "boolean", kind: "string" },
      words: ["id"],
      optionalWords: 1,
    });
    const [jobId] = words as readonly (string | undefined)[];
    if ((jobId === undefined) === (values["all-parked"] !== true)) {
      throw new OperatorError(`Name one job, or give --all-parked.\n${RETRY_USAGE}`);
    }
    if (jobId !== undefined && values.kind !== undefined) {
      throw new OperatorError(`--kind goes with --all-parked.\n${RETRY_USAGE}`);
    }
    return withContext(async (ctx) => {
      if (jobId === undefined) {
        print(`${await ctx.transaction((tx) => retryParkedJobs(tx, values.kind))} jobs run again.`);
        return 0;
      }
      if (!(await ctx.transaction((tx) => retryJob(tx, jobId)))) {
        if ((await findJob(ctx, jobId)) === null) noSuchJob(jobId);
        throw new OperatorError(`A worker has job ${jobId} in hand at this moment.`);
      }
      print(`Job ${jobId} runs again.`);
      return 0;
    });
  },
};

const PARK_USAGE = "Usage: atelier jobs park <id> [--reason <text>]";

export const jobsParkCommand: Command = {
  name: "jobs park",
  summary: "set a job aside until somebody runs it again",
  help: `${PARK_USAGE}

  --reason   why, for whoever looks at it later

No worker takes a parked job. One that is in a worker's hands is taken away from it; the step that it is in may still end.

Example:
  atelier jobs park 019aab11-65b0-7cc3-8f2e-4f9d1f0f5a1b --reason "waits for the provider's support"`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: PARK_USAGE,
      options: { reason: "string" },
      words: ["id"],
    });
    const reason = values.reason === undefined ? "parked by an operator" : `parked by an operator: ${values.reason}`;
    const before = await withContext((ctx) => parkByHand(ctx, words[0], reason));
    if (before === null) noSuchJob(words[0]);
    else if (before === "parked") print(`Job ${words[0]} was parked already.`);
    else print(`Job ${words[0]} is parked. It runs again with: atelier jobs retry ${words[0]}`);
    return 0;
  },
};

function noSuchJob(jobId: string): never {
  throw new OperatorError(`There is no job ${jobId} in the queue; one that is done is not kept.`);
}

function jobCells(job: JobRow): string[] {
  const why = [job.parkedReason, job.lastError].filter((part) => part !== null).join(": ");
  const short = why.length > REASON_LENGTH_MAX ? `${why.slice(0, REASON_LENGTH_MAX)}...` : why;
  return [job.id, job.kind, job.state, shownMoment(job.runAt), String(job.failures), short];
}

function jobView(job: JobRow) {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    parked_reason: job.parkedReason,
    last_error: job.lastError,
    failures: job.failures,
    claims: job.claims,
    priority: job.priority,
    turn: job.turn,
    due_at: job.runAt.toISOString(),
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt.toISOString(),
    worker_id: job.workerId,
    unique_key: job.uniqueKey,
    request_id: job.requestId,
    payload: job.payload,
  };
}
