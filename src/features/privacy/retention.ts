import { lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { forgetOldKeys } from "../../platform/http/idempotency.ts";
import { forgetFullBuckets } from "../../platform/limits/shared-bucket.ts";
import { forgetOldEvents } from "../../platform/live/events.ts";
import { forgetOldTickets } from "../../platform/live/tickets.ts";
import { forgetOldSessions } from "../auth/index.ts";
import {
  expireCredits,
  forfeitLateCredits,
  forgetOldNotices,
  peopleWithExpiredCredits,
  peopleWithLateCredits,
} from "../billing/index.ts";
import { forgetOldConversations } from "../editing/index.ts";
import { forgetOldMessages, ownerAlerts } from "../notifications/index.ts";
import { deletions, files } from "../photos/index.ts";
import { forgetOldDepartures } from "../profile/index.ts";
import { forgetOldStarts } from "../referrals/index.ts";
import { deleteDueFiles, type FileDeletions, isDue } from "./delete-files.ts";
import { countOrphans, deleteOrphans } from "./orphans.ts";

/** What a cleanup did, or with `dryRun` would do if the storage refuses nothing. */
export interface CleanupReport extends FileDeletions {
  /** Stored bytes without a row, left by a crash between storing and writing down. */
  orphans: number;
  orphans_refused: number;
  events: number;
  idempotency_keys: number;
  /** Strict limits that nobody is near any more. */
  rate_buckets: number;
  tickets: number;
  sessions: number;
  /** Conversations with the assistant, 30 days after their last message. */
  conversations: number;
  /** Notices of the payment provider, after 90 days. */
  payment_notices: number;
  /** Messages of the bot a month old and updates of it three days old, with what belongs to them. */
  messages: number;
  /** Starts of the bot behind an invitation link, after 30 days without a sign-in. */
  pending_referrals: number;
  /** What the owner was told, after 90 days. */
  owner_alerts: number;
  /** What was remembered of people who erased themselves, after a month, or a year for the banned. */
  departures: number;
  /** Entries of the journal of deletions, after a year. */
  deletion_entries: number;
  /** People whose expired credits were booked out. */
  expired_credits_people: number;
  /** People who erased themselves and whose payment came through afterwards; what it bought was booked out. */
  late_credits_people: number;
}

/** Conversations that one run forgets at most; the next run takes the others. */
const CONVERSATIONS_MAX = 2_000;
/** People whose expired credits one run books out at most; the next run takes the others. */
const EXPIRED_PEOPLE_MAX = 2_000;
const LATE_PEOPLE_MAX = 200;
/** The journal of deletions is kept for a year. */
const DELETION_ENTRY_KEPT_MS = 365 * DAY_MS;
const OWNER_ALERT_KEPT_MS = 90 * DAY_MS;

/** Deletes everything that is past its time. Running it twice, or in two places, is harmless. */
export async function cleanUp(ctx: Context, options: { dryRun: boolean }): Promise<CleanupReport> {
  if (options.dryRun) return countDue(ctx);
  return {
    ...(await deleteDueFiles(ctx)),
    ...(await deleteOrphans(ctx)),
    ...(await forgetOldRows(ctx)),
    expired_credits_people: await expireCredits(ctx, EXPIRED_PEOPLE_MAX),
    late_credits_people: await forfeitLateCredits(ctx, LATE_PEOPLE_MAX),
  };
}

async function forgetOldRows(ctx: Context) {
  // Before the conversations, whose end makes entries.
  const deletionEntries = await forgetOldDeletions(ctx);
  return {
    events: await forgetOldEvents(ctx),
    idempotency_keys: await forgetOldKeys(ctx),
    rate_buckets: await forgetFullBuckets(ctx),
    tickets: await forgetOldTickets(ctx),
    sessions: await forgetOldSessions(ctx),
    conversations: await forgetOldConversations(ctx, CONVERSATIONS_MAX),
    payment_notices: await forgetOldNotices(ctx),
    messages: await forgetOldMessages(ctx),
    pending_referrals: await forgetOldStarts(ctx),
    owner_alerts: await forgetOldAlerts(ctx),
    departures: await forgetOldDepartures(ctx),
    deletion_entries: deletionEntries,
  };
}

async function forgetOldDeletions(ctx: Context): Promise<number> {
  const removed = await ctx.db
    .delete(deletions)
    .where(lt(deletions.deletedAt, after(ctx.clock.now(), -DELETION_ENTRY_KEPT_MS)))
    .returning({ id: deletions.id });
  return removed.length;
}

async function forgetOldAlerts(ctx: Context): Promise<number> {
  const removed = await ctx.db
    .delete(ownerAlerts)
    .where(lt(ownerAlerts.createdAt, after(ctx.clock.now(), -OWNER_ALERT_KEPT_MS)))
    .returning({ id: ownerAlerts.id });
  return removed.length;
}

/** Undoes what a dry run has done in order to count it. */
class DryRunOver extends Error {
  readonly counts: Awaited<ReturnType<typeof forgetOldRows>>;
  constructor(counts: Awaited<ReturnType<typeof forgetOldRows>>) {
    super("a dry run is undone");
    this.counts = counts;
  }
}

/** How many rows `forgetOldRows` would remove: it does so in a transaction that is rolled back, hence by its own rules. */
async function countOldRows(ctx: Context) {
  try {
    return await ctx.transaction<never>(async (tx) => {
      throw new DryRunOver(await forgetOldRows(tx));
    });
  } catch (error) {
    if (error instanceof DryRunOver) return error.counts;
    throw error;
  }
}

async function countDue(ctx: Context): Promise<CleanupReport> {
  const [due] = await ctx.db
    .select({
      files: sql`count(*)`.mapWith(Number),
      again: sql`coalesce(sum(case when ${files.deleteFailures} > 0 then 1 else 0 end), 0)`.mapWith(Number),
    })
    .from(files)
    .where(isDue(ctx));
  return {
    files: due?.files ?? 0,
    files_tried_again: due?.again ?? 0,
    files_refused: 0,
    orphans: await countOrphans(ctx),
    orphans_refused: 0,
    ...(await countOldRows(ctx)),
    expired_credits_people: (await peopleWithExpiredCredits(ctx, EXPIRED_PEOPLE_MAX)).length,
    late_credits_people: (await peopleWithLateCredits(ctx, LATE_PEOPLE_MAX)).length,
  };
}
