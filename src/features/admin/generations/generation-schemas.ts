import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { GENERATION_STATUSES, GENERATION_TYPES } from "../../generations/index.ts";
import { Count, Day, Id, listQuery, Moment, PersonRef } from "../schemas.ts";

export const GenerationsQuery = listQuery({
  status: t.Optional(oneOf(GENERATION_STATUSES)),
  type: t.Optional(oneOf(GENERATION_TYPES)),
  error: t.Optional(t.String({ maxLength: 64, examples: ["timed_out"] })),
  person: t.Optional(t.String({ maxLength: 64, description: "The id of whose it is." })),
  from: t.Optional(Day),
  to: t.Optional(Day),
});

export const GenerationRow = t.Object(
  {
    id: Id,
    person: PersonRef,
    type: oneOf(GENERATION_TYPES),
    status: oneOf(GENERATION_STATUSES),
    progress: t.Integer({ minimum: 0, maximum: 100 }),
    attempt: Count,
    credits_spent: Count,
    free_action: t.Boolean(),
    error: t.Nullable(t.String(), { examples: [null] }),
    created_at: Moment,
    deadline_at: Moment,
    finished_at: t.Nullable(Moment),
    seconds: t.Nullable(t.Integer({ minimum: 0 }), { description: "From the order to the end.", examples: [41] }),
  },
  { ...closed, title: "AdminGenerationRow" },
);

export const AdminGenerationCard = t.Object(
  {
    generation: GenerationRow,
    cancel_requested_at: t.Nullable(Moment, { examples: [null] }),
    hold: t.Object({ id: Id, state: t.String({ examples: ["held"] }), credits: Count }, closed),
    attempts: t.Array(
      t.Object(
        {
          number: Count,
          state: t.String({ examples: ["succeeded"] }),
          provider_task_id: t.Nullable(t.String(), { examples: ["281e5b0f39b9"] }),
          failure: t.Nullable(t.String(), { examples: [null] }),
          polls: Count,
          cost_millicredits: t.Nullable(t.Integer(), { examples: [4_000] }),
          submitted_at: Moment,
          ended_at: t.Nullable(Moment),
        },
        closed,
      ),
      { description: "Tasks at the provider." },
    ),
    job: t.Nullable(
      t.Object(
        {
          id: Id,
          state: t.String({ examples: ["ready"] }),
          failures: Count,
          last_error: t.Nullable(t.String(), { examples: [null] }),
          run_at: Moment,
        },
        closed,
      ),
      { description: "What moves it, while it is in work.", examples: [null] },
    ),
  },
  { ...closed, title: "AdminGenerationCard" },
);
