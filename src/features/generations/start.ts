import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, SECOND_MS } from "../../platform/clock.ts";
import type { Action } from "../../platform/config/catalogue.ts";
import { builtOnce, type Given, givenRow, type WholeRow, wholeRow } from "../../platform/db/built-once.ts";
import { laterWrite } from "../../platform/db/write-together.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { writeAndPublish } from "../../platform/live/events.ts";
import { enqueueLater, JOB_PRIORITY } from "../../platform/queue/enqueue.ts";
import { planHold, purseFor } from "../billing/index.ts";
import type { StoredFile } from "../photos/index.ts";
import type { User } from "../profile/index.ts";
import { providerState, refuseWhenUnavailable } from "./provider-state.ts";
import { type GenerationType, generations } from "./tables.ts";

export type Generation = typeof generations.$inferSelect;

/** As it was ordered just now, with the photos that it was ordered with. */
export type OrderedGeneration = Generation & { photos: readonly StoredFile[] };

export interface GenerationOrder {
  userId: string;
  type: GenerationType;
  action: Action;
  prompt: string;
  zone?: string;
  note?: string;
  userPhoto: StoredFile;
  itemPhoto?: StoredFile;
  /** The earlier result that an edit begins with. */
  baseGenerationId?: string;
  /** The conversation in which an edit is ordered. */
  sessionId?: string;
}

/** The queue holds at most one job for a generation. */
export const generationJobKey = (generationId: string): string => `generation:${generationId}`;

/**
 * Accepts an order: credits are held, the row is written and its job enqueued in one transaction. Credits are held, not
 * spent: the model may still refuse, and then nothing must have moved.
 *
 * The gates that need no photo stand here in their order: active work under the limit, provider available, credits.
 * Maintenance, photos and the screening of words come before, in the feature that knows them.
 */
export async function startGeneration(ctx: Context, order: GenerationOrder): Promise<OrderedGeneration> {
  return ctx.transaction(async (tx) => {
    // Asked in one go, answered in this order: what follows the lock sees what its last holder did.
    const [purse, active, provider] = await Promise.all([
      purseFor(tx, order.userId, order.action),
      activeCount(tx, order.userId),
      providerState(tx),
    ]);
    if (active >= tx.settings.ACTIVE_GENERATIONS_MAX) {
      throw new Refusal("too_many_active_generations", {
        active,
        limit: tx.settings.ACTIVE_GENERATIONS_MAX,
        retry_after: 10,
      });
    }
    refuseWhenUnavailable(tx, provider);
    const generationId = newId();
    const { hold, writes, news } = await planHold(tx, purse, order.action, `generation:${generationId}`);
    const generation = queuedRow(tx, { generationId, order, user: purse.user, hold });
    const job = enqueueLater(
      tx,
      "generation.run",
      { generation_id: generationId },
      {
        uniqueKey: generationJobKey(generationId),
        priority: hold.freeMonth === null ? JOB_PRIORITY.paid : JOB_PRIORITY.free,
        turn: active,
      },
    );
    await writeAndPublish(
      tx,
      order.userId,
      [...writes, insertRow(generation), job],
      [news, { type: "generation.queued", data: { id: generationId, type: order.type, status: "queued" } }],
    );
    return { ...generation, photos: order.itemPhoto ? [order.userPhoto, order.itemPhoto] : [order.userPhoto] };
  });
}

/** Pictures of the person that are not finished. */
export async function activeCount(ctx: Pick<Context, "db">, userId: string): Promise<number> {
  const [row] = await countLive(ctx.db, { userId });
  return row?.count ?? 0;
}

/** As a literal, so that both planners use the partial indexes of live rows. */
export const isLive = sql`${generations.status} in ('queued', 'submitting', 'running', 'finishing')`;

const countLive = builtOnce((db, given: Given<{ userId: string }>) =>
  db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(generations)
    .where(and(eq(generations.userId, given("userId", generations.userId)), isLive)),
);

function queuedRow(
  tx: Pick<Context, "clock" | "settings">,
  input: {
    generationId: string;
    order: GenerationOrder;
    user: User;
    hold: { id: string; credits: number; freeMonth: string | null };
  },
): Generation {
  const { order, user, hold } = input;
  const now = tx.clock.now();
  const isSubscribed = user.subscriptionType !== null && user.subscriptionEnd !== null && user.subscriptionEnd > now;
  return wholeRow(generations, {
    id: input.generationId,
    userId: order.userId,
    type: order.type,
    status: "queued",
    zone: order.zone ?? null,
    note: order.note ?? null,
    prompt: order.prompt,
    baseGenerationId: order.baseGenerationId ?? null,
    sessionId: order.sessionId ?? null,
    userPhotoId: order.userPhoto.id,
    itemPhotoId: order.itemPhoto?.id ?? null,
    userPhotoUrl: order.userPhoto.storageKey,
    itemPhotoUrl: order.itemPhoto?.storageKey ?? null,
    watermarked: hold.freeMonth !== null && !isSubscribed,
    holdId: hold.id,
    creditsSpent: hold.credits,
    freeAction: hold.freeMonth !== null,
    progress: 0,
    attempt: 0,
    deadlineAt: after(now, tx.settings.GENERATION_DEADLINE_SECONDS * SECOND_MS),
    createdAt: now,
    updatedAt: now,
  });
}

const insertRow = laterWrite((db, _: Given<WholeRow<typeof generations>>) =>
  db.insert(generations).values(givenRow(generations)),
);
