import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  id,
  index,
  integer,
  moment,
  oneOf,
  table,
  text,
  uniqueIndex,
} from "../../platform/db/columns.ts";
import { users } from "../profile/tables.ts";

/** The code in a person's invitation link; made when they first look at it. */
export const referralCodes = table(
  "referral_codes",
  {
    userId: id("user_id")
      .primaryKey()
      .references(() => users.id),
    code: text("code").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (row) => [uniqueIndex("referral_codes_code").on(row.code)],
);

/** Whose link somebody followed to the bot who has not signed in yet. Gone at the first sign-in or past its time. */
export const pendingReferrals = table(
  "pending_referrals",
  {
    telegramId: bigInteger("telegram_id").primaryKey(),
    code: text("code").notNull(),
    /** When the bot was started; a later start counts more than an earlier one. */
    startedAt: moment("started_at").notNull(),
    expiresAt: moment("expires_at").notNull(),
  },
  (row) => [index("pending_referrals_expiry").on(row.expiresAt)],
);

/**
 * `waiting` until the invited person does what is rewarded; `rewarded`; `declined` for good, with the reason; `reversed`
 * because the payment that earned the reward was given back.
 */
export const REFERRAL_STATES = ["waiting", "rewarded", "declined", "reversed"] as const;
export type ReferralState = (typeof REFERRAL_STATES)[number];

export const DECLINE_REASONS = ["daily_cap", "inviter_banned", "person_left"] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

/** Who brought whom. A person is brought once, by one other, and for good. */
export const referrals = table(
  "referrals",
  {
    id: id("id").primaryKey(),
    referrerId: id("referrer_id")
      .notNull()
      .references(() => users.id),
    referredId: id("referred_id")
      .notNull()
      .references(() => users.id),
    state: oneOf("state", REFERRAL_STATES).notNull(),
    /** What earned the reward: `signup`, `generation:<id>` or `payment:<id>`. */
    cause: text("cause"),
    declineReason: oneOf("decline_reason", DECLINE_REASONS),
    creditsAwarded: integer("credits_awarded").notNull(),
    /** Of these, what a reversal took back; what was spent by then stays spent. */
    creditsReversed: integer("credits_reversed").notNull(),
    /** The Moscow date of the reward, which the daily cap counts. */
    rewardedOn: text("rewarded_on"),
    rewardedAt: moment("rewarded_at"),
    reversedAt: moment("reversed_at"),
    createdAt: moment("created_at").notNull(),
  },
  (referral) => [
    uniqueIndex("referrals_referred").on(referral.referredId),
    index("referrals_referrer").on(referral.referrerId, referral.id),
    index("referrals_rewarded").on(referral.referrerId, referral.rewardedOn).where(sql`rewarded_on is not null`),
    check("referrals_not_oneself", sql`referrer_id <> referred_id`),
    check(
      "referrals_credits",
      sql`credits_awarded >= 0 and credits_reversed >= 0 and credits_reversed <= credits_awarded`,
    ),
    check(
      "referrals_reward",
      sql`(state in ('rewarded', 'reversed')) = (rewarded_on is not null) and (rewarded_on is not null) = (credits_awarded > 0)`,
    ),
    check("referrals_decline", sql`(state = 'declined') = (decline_reason is not null)`),
  ],
);
