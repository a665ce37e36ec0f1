import { createHmac } from "node:crypto";
import { eq, lt, sql } from "drizzle-orm";
import { type Clock, SECOND_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { invariant } from "../errors.ts";
import { rateBuckets } from "./tables.ts";

export interface BucketNeeds {
  db: Queries;
  clock: Clock;
  settings: { readonly LINK_SECRET: readonly string[] };
}

export interface SharedBucket {
  /** What is limited; keeps the buckets of one key apart. */
  name: string;
  /** How much may happen in one burst. */
  capacity: number;
  refillPerSecond: number;
}

export type SharedVerdict = { allowed: true } | { allowed: false; retryAfterSeconds: number };

/**
 * Takes one token from the bucket of `key`, over all processes that share the database and over their restarts: for the
 * few limits that are a promise rather than a protection, since each costs a write.
 *
 * A row holds one moment: when the bucket will be full again. Taking a token moves it on by the time that one takes to
 * come back, and it may lie ahead no further than a whole bucket. One statement decides, so that two processes never
 * take the same last token.
 */
export async function takeShared(needs: BucketNeeds, bucket: SharedBucket, key: string): Promise<SharedVerdict> {
  invariant(bucket.refillPerSecond > 0 && bucket.capacity >= 1, "a bucket holds a token and refills");
  const nowMs = needs.clock.now().getTime();
  const tokenMs = Math.ceil(SECOND_MS / bucket.refillPerSecond);
  const aheadMsMax = Math.floor(bucket.capacity * tokenMs);
  const hash = hashOf(needs, bucket.name, key);
  // Clocks of several machines differ, so a row just beyond a whole bucket counts. One that is further ahead was written
  // by a clock that was wrong, and must lock nobody out.
  const believedMsMax = nowMs + 2 * aheadMsMax;
  const due = sql`case when ${rateBuckets.fullAtMs} > ${nowMs} and ${rateBuckets.fullAtMs} <= ${believedMsMax} then ${rateBuckets.fullAtMs} else ${nowMs} end + ${tokenMs}`;
  const taken = await needs.db
    .insert(rateBuckets)
    .values({ hash, fullAtMs: nowMs + tokenMs })
    .onConflictDoUpdate({
      target: rateBuckets.hash,
      set: { fullAtMs: due },
      setWhere: sql`${due} <= ${nowMs + aheadMsMax}`,
    })
    .returning({ fullAtMs: rateBuckets.fullAtMs });
  if (taken.length > 0) return { allowed: true };
  const [row] = await needs.db.select().from(rateBuckets).where(eq(rateBuckets.hash, hash));
  const waitMs = (row?.fullAtMs ?? nowMs) + tokenMs - aheadMsMax - nowMs;
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / SECOND_MS)) };
}

/** Removes buckets that are full again; returns how many. */
export async function forgetFullBuckets(needs: { db: Queries; clock: Clock }): Promise<number> {
  const removed = await needs.db
    .delete(rateBuckets)
    .where(lt(rateBuckets.fullAtMs, needs.clock.now().getTime()))
    .returning({ hash: rateBuckets.hash });
  return removed.length;
}

/** With a secret of ours, so that the table tells nobody whose buckets these are. */
function hashOf({ settings }: Pick<BucketNeeds, "settings">, name: string, key: string): string {
  return createHmac("sha256", `atelier rate bucket 1\n${settings.LINK_SECRET[0] ?? ""}`)
    .update(`${name}\n${key}`)
    .digest("base64url");
}
