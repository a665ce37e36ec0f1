import { type Column, eq, getTableColumns, getTableName, type SQL, sql, type Table } from "drizzle-orm";
import { idempotencyKeys } from "../../platform/http/tables.ts";
import { liveConnections, liveEvents, liveSequences, liveTickets } from "../../platform/live/tables.ts";
import { auditEntries } from "../audit/tables.ts";
import { operatorLinks, operators, refreshTokens, sessions } from "../auth/tables.ts";
import { payments, refunds, taxEntries } from "../billing/payments/payment-tables.ts";
import { planOrders, subscriptionPeriods, subscriptions } from "../billing/subscriptions/subscription-tables.ts";
import { creditEntries, creditGrants, creditHoldParts, creditHolds } from "../billing/tables.ts";
import { taxFilings } from "../billing/tax/tax-tables.ts";
import { chatHistory, chatTurns, chatVariants } from "../editing/tables.ts";
import { generationAttempts, generations } from "../generations/tables.ts";
import { outboxChats, outboxMessages } from "../notifications/tables.ts";
import { files } from "../photos/tables.ts";
import { consents, users } from "../profile/tables.ts";
import { promoUses } from "../promo/tables.ts";
import { pendingReferrals, referralCodes, referrals } from "../referrals/tables.ts";

/**
 * What is stored about people, table by table: the one map that export, erasure and their tests follow.
 *
 * Every table of `src/tables.ts` stands here, as personal with the way to its person and what erasing does to its rows,
 * or as impersonal with the reason. `test/features/privacy/personal-tables.test.ts` names the tables that are missing.
 */
export interface PersonalTable {
  table: Table;
  /** Whose rows are the person's. */
  of(userId: string): SQL;
  /** Columns in whose order rows are read; together unique. */
  order: readonly Column[];
  /** Columns that an export leaves out, by their names in the database: hashes of secrets, and who other people are. */
  secret?: readonly string[];
  /** What erasing does. */
  fate: Fate;
}

export type Fate =
  /** The rows go. */
  | { kind: "deleted" }
  /** The rows stay for the books, with these columns (as the code calls them) made neutral. */
  | { kind: "anonymised"; to: Readonly<Record<string, unknown>> }
  /** The rows stay as they are: nothing in them is anybody's but for the number of an anonymous stub. */
  | { kind: "kept"; why: string }
  /** A step of its own in `erase-person.ts`. */
  | { kind: "apart"; why: string };

const DELETED: Fate = { kind: "deleted" };

/**
 * In the order in which they are emptied: what refers to other rows comes before those. Rows that a turn or a step may
 * just be writing come after the row that it locks, so that nothing slips in behind.
 */
export const personalTables: readonly PersonalTable[] = [
  {
    table: refreshTokens,
    of: (userId) => through(refreshTokens.sessionId, sessions.id, eq(sessions.userId, userId)),
    order: [refreshTokens.hash],
    secret: ["hash"],
    fate: DELETED,
  },
  own(sessions, sessions.userId, sessions.id, DELETED),
  own(operators, operators.userId, operators.userId, DELETED),
  { ...own(operatorLinks, operatorLinks.userId, operatorLinks.hash, DELETED), secret: ["hash"] },
  // That something was done stays; why, in an operator's own words, goes with whom it was about.
  {
    table: auditEntries,
    of: (userId) => eq(auditEntries.personId, userId),
    order: [auditEntries.id],
    fate: { kind: "anonymised", to: { reason: "", before: null, after: null } },
  },
  { ...own(liveTickets, liveTickets.userId, liveTickets.hash, DELETED), secret: ["hash"] },
  { ...own(idempotencyKeys, idempotencyKeys.userId, idempotencyKeys.key, DELETED), secret: ["request_hash"] },
  own(consents, consents.userId, consents.id, DELETED),
  own(liveConnections, liveConnections.userId, liveConnections.id, DELETED),
  // The bot also writes to people before they have signed in: those messages know the chat only.
  {
    table: outboxMessages,
    of: (userId) => sql`(${eq(outboxMessages.userId, userId)} or ${byTelegramId(outboxMessages.chatId, userId)})`,
    order: [outboxMessages.id],
    fate: DELETED,
  },
  {
    table: outboxChats,
    of: (userId) => byTelegramId(outboxChats.chatId, userId),
    order: [outboxChats.chatId],
    fate: DELETED,
  },
  {
    table: pendingReferrals,
    of: (userId) => byTelegramId(pendingReferrals.telegramId, userId),
    order: [pendingReferrals.telegramId],
    fate: DELETED,
  },
  own(referralCodes, referralCodes.userId, referralCodes.userId, DELETED),
  // Whom somebody brought is not theirs to know beyond the number.
  {
    ...own(referrals, referrals.referrerId, referrals.id, { kind: "kept", why: "numbers behind the credit journal" }),
    secret: ["referred_id"],
  },
  own(promoUses, promoUses.userId, promoUses.id, { kind: "kept", why: "how often a code was used" }),
  own(chatHistory, chatHistory.userId, chatHistory.id, DELETED),
  own(chatVariants, chatVariants.userId, chatVariants.id, DELETED),
  // Tokens and cost stay for the owner's books; `client_id` is text from outside.
  own(chatTurns, chatTurns.userId, chatTurns.id, { kind: "anonymised", to: { clientId: null } }),
  {
    table: generationAttempts,
    of: (userId) => through(generationAttempts.generationId, generations.id, eq(generations.userId, userId)),
    order: [generationAttempts.id],
    // Under its id the provider may still know the photos and the words.
    fate: { kind: "anonymised", to: { providerTaskId: null, claimedTaskId: null } },
  },
  own(generations, generations.userId, generations.id, {
    kind: "anonymised",
    to: {
      zone: null,
      note: null,
      prompt: "",
      baseGenerationId: null,
      sessionId: null,
      userPhotoId: null,
      itemPhotoId: null,
      userPhotoUrl: null,
      itemPhotoUrl: null,
      imageUrl: null,
      imageFileId: null,
      markedFileId: null,
      previewFileId: null,
      markedPreviewFileId: null,
      providerInputs: null,
      deletedAt: sql`coalesce(${generations.deletedAt}, ${generations.updatedAt})`,
    },
  }),
  own(files, files.userId, files.id, { kind: "apart", why: "rows go once the storage has let go of their bytes" }),
  {
    table: creditHoldParts,
    of: (userId) => through(creditHoldParts.holdId, creditHolds.id, eq(creditHolds.userId, userId)),
    order: [creditHoldParts.holdId, creditHoldParts.grantId],
    fate: { kind: "kept", why: "numbers of the credit journal" },
  },
  // What an operator gave names its key and reason, which are an operator's own words.
  own(creditEntries, creditEntries.userId, creditEntries.id, {
    kind: "anonymised",
    to: {
      cause: sql`case when ${creditEntries.cause} like 'grant:operator:%' then 'grant:erased:' || cast(${creditEntries.id} as text) else ${creditEntries.cause} end`,
    },
  }),
  own(creditHolds, creditHolds.userId, creditHolds.id, { kind: "kept", why: "numbers of the credit journal" }),
  own(creditGrants, creditGrants.userId, creditGrants.id, {
    kind: "anonymised",
    to: {
      source: sql`case when ${creditGrants.source} like 'operator:%' then 'erased:' || cast(${creditGrants.id} as text) else ${creditGrants.source} end`,
    },
  }),
  {
    table: taxFilings,
    of: (userId) =>
      through(
        taxFilings.entryId,
        taxEntries.id,
        through(taxEntries.paymentId, payments.id, eq(payments.userId, userId)),
      ),
    order: [taxFilings.entryId],
    fate: { kind: "kept", why: "how far an entry of the tax journal is" },
  },
  {
    table: taxEntries,
    of: (userId) => through(taxEntries.paymentId, payments.id, eq(payments.userId, userId)),
    order: [taxEntries.id],
    fate: { kind: "kept", why: "the tax journal: sums and dates, kept by law" },
  },
  {
    table: refunds,
    of: (userId) => through(refunds.paymentId, payments.id, eq(payments.userId, userId)),
    order: [refunds.id],
    fate: { kind: "anonymised", to: { reason: "" } },
  },
  {
    table: subscriptionPeriods,
    of: (userId) => through(subscriptionPeriods.subscriptionId, subscriptions.id, eq(subscriptions.userId, userId)),
    order: [subscriptionPeriods.id],
    fate: { kind: "kept", why: "which payment bought which time, for refunds" },
  },
  // The card is forgotten. A renewal has to name one, so the name of none stays.
  {
    table: planOrders,
    of: (userId) => through(planOrders.paymentId, payments.id, eq(payments.userId, userId)),
    order: [planOrders.paymentId],
    fate: {
      kind: "anonymised",
      to: { methodId: sql`case when ${planOrders.methodId} is null then null else '' end` },
    },
  },
  own(subscriptions, subscriptions.userId, subscriptions.id, {
    kind: "anonymised",
    to: { methodId: null, methodTitle: null, autoRenew: false, nextTryAt: null },
  }),
  own(payments, payments.userId, payments.id, {
    kind: "anonymised",
    to: { returnUrl: "", confirmationUrl: null },
  }),
  // Last but the person's own row: what was done above has made events.
  own(liveEvents, liveEvents.userId, liveEvents.number, DELETED),
  own(liveSequences, liveSequences.userId, liveSequences.userId, DELETED),
  own(users, users.id, users.id, { kind: "apart", why: "becomes the anonymous stub" }),
];

/** Tables without anything of a person, each with the reason. */
export const impersonalTables: Readonly<Record<string, string>> = {
  scheduler_lease: "which process acts as the scheduler",
  broadcasts: "texts of the owner's to many, and counts; who got one stands in the outbox",
  audience_counts: "how many people each segment has",
  day_figures: "numbers of a day",
  product_figures: "numbers of a day, by product",
  action_figures: "numbers of a day, by action",
  figure_marks: "how far days have been counted",
  economy_warnings: "products that cost more than they bring",
  init_data_uses: "hashes of launch data and of networks, with no way to a person; gone after a day or two",
  departures: "a keyed hash that nobody can turn back; gone after a month, or after a year for the banned",
  erasures: "receipts: numbers only, made so that they lead to nobody",
  file_deletions: "the journal of deletions: ids of what is gone and hashes of random names",
  payment_notices: "ids of the payment provider and its own addresses; gone after 90 days",
  provider_states: "one row for each provider",
  owner_alerts: "reasons and ids of ours; gone after 90 days",
  owner_alert_pauses: "reasons, and when the owner was told of them",
  outbox_pauses: "one row for each provider",
  bot_updates: "numbers of Telegram's; gone after three days",
  live_hosts: "processes",
  promo_codes: "codes of the owner's; who used them stands elsewhere",
  tax_desks: "one row for each tax service",
  tax_meters: "marks that the owner was told of",
  remote_sessions: "the owner's own login at the tax service, sealed",
  rate_windows: "moments at which providers were called",
  rate_buckets: "keyed hashes that nobody can turn back; gone once the bucket is full again, after some hours",
  maintenance_switches: "what the owner has switched off, in the owner's own words",
  jobs: "ids of rows; a finished job is deleted",
  workers: "processes",
  schedules: "recurring jobs",
};

/** The person's rows by a column that names them. */
function own(table: Table, column: Column, key: Column, fate: Fate): PersonalTable {
  return { table, of: (userId) => eq(column, userId), order: [key], fate };
}

/** Rows that belong to a person's rows of another table. */
function through(column: Column, parentKey: Column, parentIsTheirs: SQL): SQL {
  return sql`${column} in (select ${parentKey} from ${parentKey.table} where ${parentIsTheirs})`;
}

/** Rows that name a person by their Telegram id. A single value: beside an `or`, Postgres uses no index for a list. */
function byTelegramId(column: Column, userId: string): SQL {
  return sql`${column} = (select ${users.telegramId} from ${users} where ${eq(users.id, userId)})`;
}

/** The table's name in the database. */
export const nameOf = (entry: Pick<PersonalTable, "table">): string => getTableName(entry.table);

/** The columns that an export shows: the key in the code, and the name in the database. */
export function shownColumns({ table, secret = [] }: PersonalTable): [key: string, name: string][] {
  return Object.entries(getTableColumns(table))
    .map(([key, column]): [string, string] => [key, column.name])
    .filter(([, name]) => !secret.includes(name));
}
