import { type Clock, SECOND_MS } from "../clock.ts";
import { invariant } from "../errors.ts";

export interface RatePolicy {
  /** Tokens in a full bucket: how much may happen in one burst. */
  capacity: number;
  refillPerSecond: number;
  /** Tokens that this request takes. */
  cost: number;
}

/** What is left in the bucket, and in how many seconds (rounded up) it will be full again. */
interface BucketState {
  tokensLeft: number;
  fullAfterSeconds: number;
}

export type RateVerdict =
  | ({ allowed: true } & BucketState)
  | ({ allowed: false; retryAfterSeconds: number } & BucketState);

export interface RateLimiter {
  /** Takes `cost` tokens from the bucket of `key`, or none and says when there will be enough (whole seconds, >= 1). */
  take(key: string, policy: RatePolicy): RateVerdict;
  /** Buckets in memory, never more than `entriesMax`. */
  readonly size: number;
}

interface Bucket {
  key: string;
  tokens: number;
  updatedAtMs: number;
  /** From this moment on the bucket is full, and forgetting it changes nothing. */
  fullAtMs: number;
}

/** How many buckets are compared when one has to go. */
const EVICTION_SAMPLE_SIZE = 16;
/** Whoever waits the time they were told must not fail by the last bit of a fraction. */
const ROUNDING = 1e-6;

/**
 * Token buckets in the memory of this process. A key without a bucket has a full one.
 *
 * Memory is bounded: at `entriesMax` the fullest of a random sample is forgotten. Whoever floods the table with fresh
 * keys, each used once, displaces their own nearly full buckets, while an emptied one goes only if a whole sample is
 * emptier still; getting rid of it would take nearly emptying the table's worth of other buckets. Each call takes
 * constant time. `random` gives numbers from 0 up to 1 and exists for repeatable tests.
 */
export function createRateLimiter(options: { clock: Clock; entriesMax: number; random?: () => number }): RateLimiter {
  const { clock, entriesMax, random = Math.random } = options;
  invariant(Number.isInteger(entriesMax) && entriesMax > 0, "entriesMax is a positive whole number");
  const indexes = new Map<string, number>();
  /** The same buckets in no order, so that one can be drawn at random. */
  const buckets: Bucket[] = [];

  const place = (bucket: Bucket): void => {
    const index = buckets.length < entriesMax ? buckets.length : fullestOfSample(buckets, random);
    const displaced = buckets[index];
    if (displaced !== undefined) indexes.delete(displaced.key);
    buckets[index] = bucket;
    indexes.set(bucket.key, index);
  };

  return {
    take(key, policy) {
      checkPolicy(policy);
      const nowMs = clock.now().getTime();
      const index = indexes.get(key);
      const known = index === undefined ? undefined : buckets[index];
      const tokens = known === undefined ? policy.capacity : refilled(known, policy, nowMs);
      if (tokens + ROUNDING < policy.cost) {
        const retryAfterSeconds = Math.ceil((policy.cost - tokens) / policy.refillPerSecond);
        return { allowed: false, retryAfterSeconds, ...stateOf(tokens, policy) };
      }
      const left = Math.max(0, tokens - policy.cost);
      const fullAtMs = nowMs + ((policy.capacity - left) / policy.refillPerSecond) * SECOND_MS;
      if (known === undefined) place({ key, tokens: left, updatedAtMs: nowMs, fullAtMs });
      else Object.assign(known, { tokens: left, updatedAtMs: nowMs, fullAtMs });
      return { allowed: true, ...stateOf(left, policy) };
    },
    get size() {
      return buckets.length;
    },
  };
}

/** The bucket in whole tokens and seconds, as clients are told. */
function stateOf(tokens: number, { capacity, refillPerSecond }: RatePolicy): BucketState {
  return {
    tokensLeft: Math.floor(tokens + ROUNDING),
    fullAfterSeconds: Math.ceil((capacity - tokens) / refillPerSecond - ROUNDING),
  };
}

/** A clock that was set back gives nothing and takes nothing. */
function refilled(bucket: Bucket, policy: RatePolicy, nowMs: number): number {
  const elapsedSeconds = Math.max(0, nowMs - bucket.updatedAtMs) / SECOND_MS;
  return Math.min(policy.capacity, bucket.tokens + elapsedSeconds * policy.refillPerSecond);
}

function fullestOfSample(buckets: readonly Bucket[], random: () => number): number {
  let fullest = 0;
  let fullestAtMs = Number.POSITIVE_INFINITY;
  for (let draw = 0; draw < EVICTION_SAMPLE_SIZE; draw += 1) {
    const index = Math.floor(random() * buckets.length);
    const fullAtMs = buckets[index]?.fullAtMs ?? Number.POSITIVE_INFINITY;
    if (fullAtMs < fullestAtMs) [fullest, fullestAtMs] = [index, fullAtMs];
  }
  return fullest;
}

function checkPolicy({ capacity, refillPerSecond, cost }: RatePolicy): void {
  invariant(refillPerSecond > 0 && cost > 0, "a rate policy refills, and a request costs something");
  invariant(cost <= capacity, "a request that costs more than a full bucket could never pass");
}
