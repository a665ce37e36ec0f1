import { eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { type ProviderFailure, Refusal } from "../../platform/errors.ts";
import { lockProviderState, type ProviderState, providerStateOf } from "../../platform/limits/provider-states.ts";
import { providerStates } from "../../platform/limits/tables.ts";
import { tellOwner } from "../notifications/index.ts";

const PROVIDER = "kie";
/** Faults in a row after which new work is refused for a while. */
const FAILURES_TO_OPEN = 5;
/** How long the breaker stays open; then the next attempt tries it again. */
export const BREAKER_OPEN_MS = 30 * SECOND_MS;
/** A balance older than this says nothing; the guard reads it every few minutes. */
const BALANCE_VALID_MS = 30 * MINUTE_MS;

/** What is known of the provider; null before the first contact. */
export function providerState(ctx: Pick<Context, "db">): Promise<ProviderState | null> {
  return providerStateOf(ctx, PROVIDER);
}

/**
 * Throws `generation_unavailable` while the breaker is open or the provider's account pays for too few pictures. Asked
 * before any charge, with what `providerState` answers.
 */
export function refuseWhenUnavailable(ctx: Pick<Context, "clock" | "settings">, state: ProviderState | null): void {
  const now = ctx.clock.now();
  if (!state) return;
  if (state.openUntil !== null && state.openUntil > now) {
    const seconds = Math.ceil((state.openUntil.getTime() - now.getTime()) / 1000);
    throw new Refusal("generation_unavailable", { reason: "provider_down", retry_after: seconds });
  }
  const isFresh = state.balanceAt !== null && after(state.balanceAt, BALANCE_VALID_MS) > now;
  if (
    isFresh &&
    state.balanceMillicredits !== null &&
    picturesLeft(ctx, state.balanceMillicredits) < ctx.settings.KIE_PICTURES_LEFT_MIN
  ) {
    throw new Refusal("generation_unavailable", { reason: "provider_out_of_credits", retry_after: 300 });
  }
}

/** How many pictures the provider's account pays for. */
export function picturesLeft(ctx: Pick<Context, "settings">, balanceMillicredits: number): number {
  return Math.floor(balanceMillicredits / ctx.settings.KIE_PICTURE_MILLICREDITS);
}

/** The provider answered as it should: the breaker closes, and the owner may hear of the next outage again. */
export async function noteProviderSuccess(ctx: Context): Promise<void> {
  const state = await providerState(ctx);
  if (!state || (state.failures === 0 && state.openUntil === null && state.toldReason !== "breaker_open")) return;
  await ctx.db
    .update(providerStates)
    .set({
      failures: 0,
      openUntil: null,
      toldReason: sql`case when ${providerStates.toldReason} = 'breaker_open' then null else ${providerStates.toldReason} end`,
      updatedAt: ctx.clock.now(),
    })
    .where(eq(providerStates.provider, PROVIDER));
}

/**
 * The provider failed: counts it, opens the breaker after several in a row, and tells the owner once. A full rate limit
 * is no failure: it says that the provider is well and busy with us.
 */
export async function noteProviderFailure(ctx: Context, failure: ProviderFailure): Promise<void> {
  if (failure.kind === "rate_limited") return;
  await ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const state = await lockProviderState(tx, PROVIDER);
    const failures = state.failures + 1;
    const opens = failures >= FAILURES_TO_OPEN;
    await tx.db
      .update(providerStates)
      .set({ failures, openUntil: opens ? after(now, BREAKER_OPEN_MS) : state.openUntil, updatedAt: now })
      .where(eq(providerStates.provider, PROVIDER));
    const reason = failure.alert ? `kie_${failure.kind}` : opens ? "breaker_open" : null;
    if (reason) await tellOnce(tx, state, reason, { message: failure.message, failures });
  });
}

/** The guard's job: reads what is left in the provider's account and warns the owner once when it is little. */
export async function checkProviderBalance(ctx: Context): Promise<void> {
  const credits = await ctx.kie.credits();
  await ctx.transaction(async (tx) => {
    const state = await lockProviderState(tx, PROVIDER);
    const balanceMillicredits = Math.floor(credits * 1000);
    await tx.db
      .update(providerStates)
      .set({ balanceMillicredits, balanceAt: tx.clock.now(), updatedAt: tx.clock.now() })
      .where(eq(providerStates.provider, PROVIDER));
    const left = picturesLeft(tx, balanceMillicredits);
    if (left < tx.settings.KIE_PICTURES_LEFT_MIN) await tellOnce(tx, state, "kie_low_balance", { pictures_left: left });
    else if (state.toldReason === "kie_low_balance" || state.toldReason === "kie_out_of_funds") {
      await tx.db.update(providerStates).set({ toldReason: null }).where(eq(providerStates.provider, PROVIDER));
    }
  });
}

async function tellOnce(
  tx: Context,
  state: ProviderState,
  reason: string,
  details: Record<string, unknown>,
): Promise<void> {
  if (state.toldReason === reason) return;
  await tx.db.update(providerStates).set({ toldReason: reason }).where(eq(providerStates.provider, PROVIDER));
  await tellOwner(tx, { level: "critical", reason, details });
}
