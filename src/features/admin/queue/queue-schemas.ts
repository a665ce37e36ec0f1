import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { JOB_STATES } from "../../../platform/queue/tables.ts";
import { Count, Id, listQuery, Moment, Reason } from "../schemas.ts";

const Kind = t.String({ minLength: 1, maxLength: 100, examples: ["generation.run"] });

const WorkerRow = t.Object(
  {
    id: Id,
    hostname: t.String(),
    process_id: t.Integer(),
    alive: t.Boolean(),
    jobs_in_hand: Count,
    started_at: Moment,
    heartbeat_at: Moment,
  },
  closed,
);

export const QueueAnswer = t.Object(
  {
    ready: Count,
    due: t.Integer({ minimum: 0, description: "Of `ready`, those whose time has come." }),
    leased: Count,
    parked: t.Integer({ minimum: 0, description: "Dead letters: set aside until somebody looks." }),
    oldest_due_ms: t.Nullable(t.Integer({ minimum: 0 }), { examples: [850] }),
    kinds: t.Array(
      t.Object(
        {
          kind: Kind,
          state: oneOf(JOB_STATES),
          jobs: Count,
          reason: t.Nullable(t.String(), { description: "Of parked ones.", examples: [null] }),
        },
        closed,
      ),
    ),
    workers: t.Array(WorkerRow),
  },
  { ...closed, title: "AdminQueue" },
);

export const JobsQuery = listQuery({
  state: t.Optional(oneOf(JOB_STATES)),
  kind: t.Optional(Kind),
});

export const JobRow = t.Object(
  {
    id: Id,
    kind: Kind,
    state: oneOf(JOB_STATES),
    parked_reason: t.Nullable(t.String(), { examples: [null] }),
    last_error: t.Nullable(t.String(), { examples: [null] }),
    failures: Count,
    claims: Count,
    run_at: Moment,
    created_at: Moment,
    updated_at: Moment,
    request_id: t.Nullable(t.String(), { examples: [null] }),
    payload: t.Record(t.String(), t.Unknown(), {
      description: "Ids, numbers and words of ours; anything else is `…`.",
      examples: [{}],
    }),
  },
  { ...closed, title: "AdminJob" },
);

export const JobCard = t.Object(
  {
    job: JobRow,
    priority: t.Integer({ description: "Smaller goes first.", examples: [10] }),
    turn: t.Integer({ minimum: 0, description: "Jobs that its person already had in work.", examples: [0] }),
    unique_key: t.Nullable(t.String(), { description: "At most one job with it exists.", examples: [null] }),
    worker: t.Nullable(WorkerRow, { description: "Who has it in hand.", examples: [null] }),
    known_to_a_worker: t.Boolean({ description: "Whether a running worker knows its kind." }),
  },
  { ...closed, title: "AdminJobCard" },
);

export const RetryParkedBody = t.Object({ kind: t.Optional(Kind), reason: Reason }, closed);
export const RetryParkedAnswer = t.Object({ jobs: Count }, closed);
