import { desc, eq, lt } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId, newId } from "../../../platform/ids.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import { type Act, type AuditAction, type AuditFacts, recordChange } from "../../audit/index.ts";
import { notify } from "../../notifications/index.ts";
import type { User } from "../../profile/index.ts";
import { change, type Order } from "../change.ts";
import { type BroadcastSegment, broadcasts } from "./broadcast-tables.ts";
import { type Broadcast, startSendingBroadcasts } from "./send-broadcasts.ts";

/** Telegram takes 4,096 characters, and a line about switching news off stands below. */
export const BROADCAST_LENGTH_MAX = 3_000;

export interface BroadcastDraft {
  segment: BroadcastSegment;
  textRu: string;
  textEn: string;
}

/** Broadcasts, the newest first; `before` is the id of the last one already seen. */
export async function listBroadcasts(
  { db }: Pick<Context, "db">,
  page: { before: string | null; limit: number },
): Promise<Broadcast[]> {
  return db
    .select()
    .from(broadcasts)
    .where(page.before === null ? undefined : lt(broadcasts.id, page.before))
    .orderBy(desc(broadcasts.id))
    .limit(page.limit);
}

/** The broadcast with this id. Throws the refusal `not_found`. */
export async function anyBroadcast({ db }: Pick<Context, "db">, broadcastId: string): Promise<Broadcast> {
  const [row] = isId(broadcastId) ? await db.select().from(broadcasts).where(eq(broadcasts.id, broadcastId)) : [];
  if (!row) throw new Refusal("not_found");
  return row;
}

/** Makes a draft. Nobody gets anything by it. */
export async function createBroadcast(
  ctx: Context,
  order: Act & { operatorId: string; draft: BroadcastDraft },
): Promise<Broadcast> {
  return ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const counts = { written: 0, switchedOff: 0, unreachable: 0, sent: 0, blocked: 0, failed: 0, withdrawn: 0 };
    const values = { id: newId(), ...order.draft, ...counts, state: "draft" as const, createdBy: order.operatorId };
    await tx.db.insert(broadcasts).values({ ...values, createdAt: now, updatedAt: now });
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action: "broadcast.create",
      subject: "broadcast",
      subjectId: values.id,
      after: factsOf(order.draft),
    });
    wakePanel(tx, "broadcasts");
    return anyBroadcast(tx, values.id);
  });
}

/** Changes a draft; it has to be tried anew then. */
export async function changeBroadcast(ctx: Context, order: Order & { draft: BroadcastDraft }): Promise<Broadcast> {
  return changed(ctx, order, "broadcast.change", async (_tx, before) => {
    refuseUnless(before.state === "draft", "not_a_draft");
    return { ...order.draft, testedAt: null };
  });
}

/** Sends a draft to the operator alone, in the language that they read. */
export async function testBroadcast(
  ctx: Context,
  order: Order & { operator: Pick<User, "id" | "language"> },
): Promise<Broadcast> {
  return changed(ctx, order, "broadcast.test", async (tx, before) => {
    refuseUnless(before.state === "draft", "not_a_draft");
    const text = order.operator.language === "ru" ? before.textRu : before.textEn;
    const message = { key: "broadcast" as const, parameters: { text } };
    const notified = await notify(tx, { userId: order.operator.id, message, about: `test:${newId()}` });
    if (notified !== "waiting") throw new Refusal("bot_cannot_write");
    return { testedAt: tx.clock.now() };
  });
}

/** Starts a draft that was tried. It is sent as soon as those that were started before have ended. */
export async function startBroadcast(ctx: Context, order: Order): Promise<Broadcast> {
  return changed(ctx, order, "broadcast.start", async (tx, before) => {
    refuseUnless(before.state === "draft", "not_a_draft");
    refuseUnless(before.testedAt !== null, "not_tested");
    await startSendingBroadcasts(tx);
    return { state: "running", startedAt: tx.clock.now() };
  });
}

/** Stops a broadcast for good: what was not sent yet is taken back within seconds. */
export async function stopBroadcast(ctx: Context, order: Order): Promise<Broadcast> {
  return changed(ctx, order, "broadcast.stop", async (_tx, before) => {
    refuseUnless(before.state === "running", "not_running");
    return { state: "stopped" };
  });
}

function changed(
  ctx: Context,
  order: Order,
  action: AuditAction,
  setOf: (tx: Context, before: Broadcast) => Promise<Partial<Broadcast>>,
): Promise<Broadcast> {
  return change(ctx, order, {
    action,
    subject: "broadcast",
    async read(tx) {
      await anyBroadcast(tx, order.id);
      // Writing the row locks it, so that of two changes at once the second one sees the first.
      const touched = { updatedAt: tx.clock.now() };
      const [row] = await tx.db.update(broadcasts).set(touched).where(eq(broadcasts.id, order.id)).returning();
      if (!row) throw new Refusal("not_found");
      return row;
    },
    async make(tx, before) {
      await tx.db
        .update(broadcasts)
        .set(await setOf(tx, before))
        .where(eq(broadcasts.id, before.id));
      wakePanel(tx, "broadcasts");
    },
    facts: (broadcast) => factsOf(broadcast),
  });
}

function refuseUnless(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Refusal("broadcast_not_ready", { reason: why });
}

function factsOf(draft: BroadcastDraft & { state?: string }): AuditFacts {
  return {
    state: draft.state ?? "draft",
    segment: draft.segment,
    characters_ru: draft.textRu.length,
    characters_en: draft.textEn.length,
  };
}

export function broadcastRow(row: Broadcast) {
  return {
    id: row.id,
    segment: row.segment,
    text_ru: row.textRu,
    text_en: row.textEn,
    state: row.state,
    created_by: row.createdBy,
    tested_at: row.testedAt?.toISOString() ?? null,
    counts: {
      written: row.written,
      sent: row.sent,
      blocked: row.blocked,
      failed: row.failed,
      withdrawn: row.withdrawn,
      switched_off: row.switchedOff,
      unreachable: row.unreachable,
    },
    everybody_written: row.walkedAt !== null,
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
  };
}
