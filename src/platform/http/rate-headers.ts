import type { RateVerdict } from "./rate-limit.ts";

/** What clients are told of a bucket. */
export interface ToldBucket {
  readonly name: string;
  readonly capacity: number;
  readonly refillPerSecond: number;
}

const policies = new WeakMap<ToldBucket, string>();

/**
 * Tells a client how it stands, in the words of the IETF's draft of RateLimit fields: `q` tokens fill the bucket in `w`
 * seconds, `r` are left, in `t` seconds it is full again. The unit is the token, of which requests take as many as their
 * class costs.
 */
export function setRateHeaders(headers: Record<string, unknown>, bucket: ToldBucket, verdict: RateVerdict): void {
  headers["ratelimit-policy"] = policyOf(bucket);
  headers.ratelimit = `"${bucket.name}";r=${verdict.tokensLeft};t=${verdict.fullAfterSeconds}`;
}

function policyOf(bucket: ToldBucket): string {
  const known = policies.get(bucket);
  if (known !== undefined) return known;
  const { name, capacity, refillPerSecond } = bucket;
  const policy = `"${name}";q=${capacity};w=${Math.ceil(capacity / refillPerSecond)}`;
  policies.set(bucket, policy);
  return policy;
}
