import { and, eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { invariant, type ProviderFailure } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { fence } from "../../../platform/queue/outcome.ts";
import type { TaxService } from "../../../providers/tax-service.ts";
import { tellOwner } from "../../notifications/index.ts";
import { taxDesks } from "./tax-tables.ts";

/**
 * The desk at which the connector works: one place for each tax service, whatever number of jobs and processes there is, with
 * how things stand there. Whoever holds it writes through `Desk.write` only; one that was taken from a worker which slept
 * too long lets that worker write nothing any more.
 */
export type DeskState = typeof taxDesks.$inferSelect;

export interface Desk {
  readonly id: string;
  readonly service: TaxService;
  readonly job: LeasedJob;
}

/** A desk is kept this long after the last write at it. */
const HELD_MS = 5 * MINUTE_MS;
const PAUSE_MS_MIN = MINUTE_MS;
const PAUSE_MS_MAX = 30 * MINUTE_MS;
/** For a full rate limit that names no time. */
const RATE_PAUSE_MS = 5 * MINUTE_MS;
/** Failed calls in a row of which the owner hears. */
const FAILURES_TO_TELL = 5;
/** Sales refused in a row after which the fault is not the sale's. */
const REFUSALS_TO_STOP = 3;

/** Thrown by a write at a desk that somebody else holds by now; everything in that transaction is undone. */
export class DeskLost extends Error {
  override readonly name = "DeskLost";
}

/** Sits down at the desk; null while somebody else works there, or it is paused or stopped. */
export async function takeDesk(ctx: Context, service: TaxService, job: LeasedJob): Promise<Desk | null> {
  return ctx.transaction(async (tx) => {
    await fence(tx, job);
    const now = tx.clock.now();
    const state = await lockDesk(tx, service.name);
    const isStopped = state.stopped !== null && state.stoppedFor === service.fingerprint();
    const isHeld = state.holder !== null && state.heldUntil !== null && state.heldUntil > now;
    const isPaused = state.pausedUntil !== null && state.pausedUntil > now;
    if (isStopped || isHeld || isPaused) return null;
    const desk = { id: newId(), service, job };
    const sits = { holder: desk.id, heldUntil: after(now, HELD_MS), stopped: null, stoppedFor: null };
    await tx.db.update(taxDesks).set(sits).where(eq(taxDesks.service, service.name));
    return desk;
  });
}

/** A transaction at the desk. Throws `DeskLost` when it is somebody else's by now, `LeaseLost` when the job is. */
export async function writeAt<T>(ctx: Context, desk: Desk, work: (tx: Context) => Promise<T>): Promise<T> {
  return ctx.transaction(async (tx) => {
    await fence(tx, desk.job);
    const now = tx.clock.now();
    const [held] = await tx.db
      .update(taxDesks)
      .set({ heldUntil: after(now, HELD_MS), updatedAt: now })
      .where(and(eq(taxDesks.service, desk.service.name), eq(taxDesks.holder, desk.id)))
      .returning({ service: taxDesks.service });
    if (!held) throw new DeskLost(`the desk of ${desk.service.name} is held by somebody else`);
    return work(tx);
  });
}

/** Gets up from the desk. Nothing happens when it is somebody else's by now. */
export async function leaveDesk(ctx: Pick<Context, "db" | "clock">, desk: Desk): Promise<void> {
  await ctx.db
    .update(taxDesks)
    .set({ holder: null, heldUntil: null, updatedAt: ctx.clock.now() })
    .where(and(eq(taxDesks.service, desk.service.name), eq(taxDesks.holder, desk.id)));
}

/** The service did what it was asked; inside a write at the desk. `registered`: it took a sale. */
export async function noteSuccess(
  tx: Pick<Context, "db">,
  desk: Desk,
  options: { registered?: boolean } = {},
): Promise<void> {
  await change(tx, desk, { failures: 0, pausedUntil: null, ...(options.registered ? { refusals: 0 } : {}) });
}

/** One sale was refused; several in a row are no fault of the sales, and stop the desk. Returns whether it has. */
export async function noteRefusal(tx: Context, desk: Desk, message: string): Promise<boolean> {
  const state = await readDesk(tx, desk.service.name);
  const refusals = (state?.refusals ?? 0) + 1;
  await change(tx, desk, { refusals });
  if (refusals < REFUSALS_TO_STOP) return false;
  await stop(tx, desk, "tax_sales_refused", message);
  return true;
}

/**
 * The service did not answer as it should: a refused login stops the desk until a person has acted and is told once, because
 * the cabinet locks those who try passwords; everything else is a pause that grows.
 */
export async function noteFailure(tx: Context, desk: Desk, failure: ProviderFailure): Promise<void> {
  if (failure.kind === "unauthorized") return stop(tx, desk, "tax_login_refused", failure.message);
  const now = tx.clock.now();
  if (failure.kind === "rate_limited") {
    return change(tx, desk, { pausedUntil: after(now, failure.retryAfterMs ?? RATE_PAUSE_MS) });
  }
  const failures = ((await readDesk(tx, desk.service.name))?.failures ?? 0) + 1;
  const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(failures - 1, 10));
  await change(tx, desk, { failures, pausedUntil: after(now, pauseMs) });
  if (failures !== FAILURES_TO_TELL) return;
  const details = { message: failure.message, failures };
  await tellOwner(tx, { level: "warning", reason: "tax_service_unavailable", details });
}

/** How things stand at a service's desk; null where nobody ever worked. */
export async function readDesk(ctx: Pick<Context, "db">, service: string): Promise<DeskState | null> {
  const [state] = await ctx.db.select().from(taxDesks).where(eq(taxDesks.service, service));
  return state ?? null;
}

/** Lets the connector try again at once, whatever stopped or paused it. */
export async function reopenDesks(tx: Pick<Context, "db" | "clock">): Promise<void> {
  await tx.db
    .update(taxDesks)
    .set({ stopped: null, stoppedFor: null, pausedUntil: null, failures: 0, refusals: 0, updatedAt: tx.clock.now() });
}

async function stop(tx: Context, desk: Desk, reason: string, message: string): Promise<void> {
  await change(tx, desk, { stopped: reason, stoppedFor: desk.service.fingerprint() });
  await tellOwner(tx, { level: "critical", reason, details: { message } });
}

async function change(tx: Pick<Context, "db">, desk: Desk, values: Partial<typeof taxDesks.$inferInsert>) {
  await tx.db.update(taxDesks).set(values).where(eq(taxDesks.service, desk.service.name));
}

async function lockDesk(tx: Pick<Context, "db" | "clock">, service: string): Promise<DeskState> {
  const updatedAt = tx.clock.now();
  await tx.db.insert(taxDesks).values({ service, failures: 0, refusals: 0, updatedAt }).onConflictDoNothing();
  const [state] = await tx.db.update(taxDesks).set({ updatedAt }).where(eq(taxDesks.service, service)).returning();
  invariant(state, "a desk that was locked stays");
  return state;
}
