import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { Count, Id, listQuery, Moment, Reason } from "../schemas.ts";
import { BROADCAST_SEGMENTS, BROADCAST_STATES } from "./broadcast-tables.ts";
import { BROADCAST_LENGTH_MAX } from "./broadcasts.ts";

const Segment = oneOf(BROADCAST_SEGMENTS, {
  description: "`free`: without a subscription; `sleeping`: has done nothing for a month.",
});
const Text = t.String({
  minLength: 1,
  maxLength: BROADCAST_LENGTH_MAX,
  pattern: "\\S",
  description: "Plain text; nothing in it is markup.",
  examples: ["There is something new."],
});

export const BroadcastsQuery = listQuery({});

export const BroadcastRow = t.Object(
  {
    id: Id,
    segment: Segment,
    text_ru: Text,
    text_en: Text,
    state: oneOf(BROADCAST_STATES),
    created_by: Id,
    tested_at: t.Nullable(Moment, { description: "These very texts; null after a change.", examples: [null] }),
    counts: t.Object(
      {
        written: t.Integer({ minimum: 0, description: "Messages so far; the sum of the next four and of what waits." }),
        sent: Count,
        blocked: t.Integer({ minimum: 0, description: "Found out only now that the bot may not write to them." }),
        failed: Count,
        withdrawn: t.Integer({ minimum: 0, description: "Taken back because it was stopped." }),
        switched_off: t.Integer({ minimum: 0, description: "Not written to: they want no news." }),
        unreachable: t.Integer({ minimum: 0, description: "Not written to: the bot may not." }),
      },
      closed,
    ),
    everybody_written: t.Boolean(),
    started_at: t.Nullable(Moment, { examples: [null] }),
    ended_at: t.Nullable(Moment, { examples: [null] }),
    created_at: Moment,
  },
  { ...closed, title: "AdminBroadcast" },
);

export const AudienceAnswer = t.Object(
  {
    at: Moment,
    segments: t.Array(
      t.Object(
        {
          segment: Segment,
          people: Count,
          reachable: t.Integer({
            minimum: 0,
            description: "Of these, who want news and to whom the bot may write as far as is known.",
            examples: [10],
          }),
        },
        closed,
      ),
    ),
  },
  { ...closed, title: "AdminAudience" },
);

export const BroadcastBody = t.Object({ segment: Segment, text_ru: Text, text_en: Text, reason: Reason }, closed);
