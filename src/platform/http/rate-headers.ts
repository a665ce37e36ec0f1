import type { RateVerdict } from "./rate-limit.ts";

/**
 * Tells a client how it stands, in the words of the IETF's draft of RateLimit fields: `q` tokens fill the bucket in `w`
 * seconds, `r` are left, in `t` seconds it is full again. The unit is the token, of which requests take as many as their
 * class costs.
 */
export function rateHeaders(
  bucket: { name: string; capacity: number; refillPerSecond: number },
  verdict: RateVerdict,
): { "ratelimit-policy": string; ratelimit: string } {
  const windowSeconds = Math.ceil(bucket.capacity / bucket.refillPerSecond);
  return {
    "ratelimit-policy": `"${bucket.name}";q=${bucket.capacity};w=${windowSeconds}`,
    ratelimit: `"${bucket.name}";r=${verdict.tokensLeft};t=${verdict.fullAfterSeconds}`,
  };
}
