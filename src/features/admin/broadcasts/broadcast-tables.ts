import { sql } from "drizzle-orm";
import { check, id, index, integer, moment, oneOf, table, text } from "../../../platform/db/columns.ts";

/** Who is written to. `free`: without a subscription; `sleeping`: has ordered and asked nothing for a month. */
export const BROADCAST_SEGMENTS = ["all", "free", "subscribed", "sleeping"] as const;
export type BroadcastSegment = (typeof BROADCAST_SEGMENTS)[number];

/** `draft` can be changed; `running` is sent, one after another; ends are final. */
export const BROADCAST_STATES = ["draft", "running", "stopped", "finished"] as const;

/** Messages of the owner's to many people. Who got one stands in the outbox, as with every other message. */
export const broadcasts = table(
  "broadcasts",
  {
    id: id("id").primaryKey(),
    segment: oneOf("segment", BROADCAST_SEGMENTS).notNull(),
    textRu: text("text_ru").notNull(),
    textEn: text("text_en").notNull(),
    state: oneOf("state", BROADCAST_STATES).notNull(),
    /** The operator who made it. */
    createdBy: id("created_by").notNull(),
    /** When these very texts were sent to an operator to look at. */
    testedAt: moment("tested_at"),
    /** The last person, in the order of their ids, who was looked at. */
    cursor: id("cursor"),
    /** When everybody had been looked at. */
    walkedAt: moment("walked_at"),
    /** Messages written to the outbox. */
    written: integer("written").notNull(),
    /** People of the segment who have switched news off. */
    switchedOff: integer("switched_off").notNull(),
    /** People of the segment to whom the bot was known not to be allowed to write. */
    unreachable: integer("unreachable").notNull(),
    sent: integer("sent").notNull(),
    /** Found out only now that the bot may not write to them. */
    blocked: integer("blocked").notNull(),
    failed: integer("failed").notNull(),
    /** Taken back because it was stopped. */
    withdrawn: integer("withdrawn").notNull(),
    startedAt: moment("started_at"),
    endedAt: moment("ended_at"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (row) => [
    index("broadcasts_open").on(row.startedAt, row.id).where(sql`started_at is not null and ended_at is null`),
    check("broadcasts_counts", sql`written >= 0 and sent >= 0 and blocked >= 0 and failed >= 0 and withdrawn >= 0`),
  ],
);

/** How many people each segment had when somebody last asked, so that an answer needs no walk over everybody. */
export const audienceCounts = table(
  "audience_counts",
  {
    segment: oneOf("segment", BROADCAST_SEGMENTS).primaryKey(),
    people: integer("people").notNull(),
    /** Of these, those to whom a broadcast would write. */
    reachable: integer("reachable").notNull(),
    countedAt: moment("counted_at").notNull(),
  },
  () => [check("audience_counts_parts", sql`reachable between 0 and people`)],
);
