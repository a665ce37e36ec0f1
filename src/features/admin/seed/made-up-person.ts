import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import type { Catalogue } from "../../../platform/config/catalogue.ts";
import { moscowDate, moscowMonth } from "../../../platform/moscow.ts";
import {
  creditEntries,
  creditGrants,
  creditHoldParts,
  creditHolds,
  payments,
  refunds,
  taxEntries,
  taxOn,
} from "../../billing/index.ts";
import { generationAttempts, generations } from "../../generations/index.ts";
import { searchKeys, users } from "../../profile/index.ts";

/** Rows by table, in the order in which they can be written. */
export function noRows() {
  return {
    users: [] as (typeof users.$inferInsert)[],
    payments: [] as (typeof payments.$inferInsert)[],
    refunds: [] as (typeof refunds.$inferInsert)[],
    taxEntries: [] as (typeof taxEntries.$inferInsert)[],
    creditGrants: [] as (typeof creditGrants.$inferInsert)[],
    creditHolds: [] as (typeof creditHolds.$inferInsert)[],
    creditHoldParts: [] as (typeof creditHoldParts.$inferInsert)[],
    creditEntries: [] as (typeof creditEntries.$inferInsert)[],
    generations: [] as (typeof generations.$inferInsert)[],
    generationAttempts: [] as (typeof generationAttempts.$inferInsert)[],
  };
}
export type Rows = ReturnType<typeof noRows>;

/** The same members, as tables. */
export const SEEDED_TABLES = {
  users,
  payments,
  refunds,
  taxEntries,
  creditGrants,
  creditHolds,
  creditHoldParts,
  creditEntries,
  generations,
  generationAttempts,
} as const;

export interface Maker {
  random: () => number;
  /** An id of that moment. */
  idAt: (moment: Date) => string;
  now: Date;
  /** How far back the history goes. */
  days: number;
  catalogue: Catalogue;
}

/** A credit pack that was paid, and what is left of it. */
interface Pack {
  grantId: string;
  paidAt: Date;
  left: number;
}

/** Nobody has a Telegram id as high. */
const TELEGRAM_ID_MIN = 4_000_000_000_000;
const NAMES = ["Anna", "Boris", "Vera", "Gleb", "Daria", "Егор", "Жанна", "Зоя", "Игорь", "Лев", "Мария", "Нина"];
const ERRORS = ["moderated", "provider_refused", "provider_unavailable", "timed_out", "internal_error"];
const CANCELLED_SHARE = 0.1;
const PENDING_SHARE = 0.02;
const REFUNDED_SHARE = 0.03;
const FAILED_SHARE = 0.04;
const STOPPED_SHARE = 0.02;
const PICTURE_MILLICREDITS = 4_000;

/** Makes a person up with their payments and pictures, whose credits, entries and holds add up as the ledger's do. */
export function makePerson(
  rows: Rows,
  maker: Maker,
  number: number,
  counts: { payments: number; pictures: number },
): void {
  const { random, idAt, now, days } = maker;
  const createdAt = before(now, (0.02 + 0.98 * random()) * days * DAY_MS);
  const userId = idAt(createdAt);
  const between = () =>
    new Date(createdAt.getTime() + random() * (now.getTime() - createdAt.getTime() - 10 * MINUTE_MS));
  const packs: Pack[] = [];
  for (let i = 0; i < counts.payments; i += 1) {
    const pack = makePayment(rows, maker, userId, between());
    if (pack) packs.push(pack);
  }
  const moments = Array.from({ length: counts.pictures }, between).sort((a, b) => a.getTime() - b.getTime());
  const months = moments.map((moment) => makePicture(rows, maker, userId, moment, packs));
  const month = months.findLast((one) => one !== null) ?? moscowMonth(createdAt);
  for (const grant of rows.creditGrants) {
    const pack = packs.find(({ grantId }) => grantId === grant.id);
    if (pack) grant.creditsLeft = pack.left;
  }
  const name = NAMES[number % NAMES.length] ?? "Anna";
  const person = {
    firstName: name,
    lastName: `Made-up ${number}`,
    username: number % 3 === 0 ? `made_up_${number}` : null,
  };
  rows.users.push({
    id: userId,
    telegramId: TELEGRAM_ID_MIN + number,
    ...person,
    ...searchKeys(person),
    language: number % 4 === 0 ? "en" : "ru",
    // The bot must never write to somebody who was made up.
    writeState: "needs_start",
    notifyResults: true,
    notifyNews: true,
    balanceCredits: packs.reduce((sum, pack) => sum + pack.left, 0),
    reservedCredits: 0,
    freemiumMonth: month,
    freemiumActionsUsed: months.filter((one) => one === month).length,
    assistantTokens: 0,
    bannedAt: number % 500 === 7 ? now : null,
    banReason: number % 500 === 7 ? "made up" : null,
    createdAt,
    updatedAt: createdAt,
  });
}

/** An order, and what came of it; the pack where it was paid and kept. */
function makePayment(rows: Rows, { random, idAt, catalogue }: Maker, userId: string, createdAt: Date): Pack | null {
  const product = catalogue.packs[Math.floor(random() * catalogue.packs.length)];
  if (!product) return null;
  const id = idAt(createdAt);
  const chance = random();
  const status =
    chance < CANCELLED_SHARE ? "cancelled" : chance < CANCELLED_SHARE + PENDING_SHARE ? "pending" : "succeeded";
  const isRefunded = status === "succeeded" && random() < REFUNDED_SHARE;
  const paidAt = new Date(createdAt.getTime() + MINUTE_MS);
  const amountKopecks = product.price_kopecks;
  rows.payments.push({
    id,
    userId,
    provider: "yookassa",
    yookassaId: `made-up-${id}`,
    product: product.key,
    credits: product.credits,
    amountKopecks,
    currency: "RUB",
    status,
    taxKopecks: status === "succeeded" && !isRefunded ? taxOn(amountKopecks) : 0,
    commissionKopecks: status === "succeeded" ? Math.floor(amountKopecks / 25) : 0,
    commissionIsReal: true,
    refundedKopecks: isRefunded ? amountKopecks : 0,
    tokensUsed: 0,
    idempotencyKey: `made-up-${id}`,
    isTest: true,
    returnUrl: "",
    cancelReason: status === "cancelled" ? "expired_on_confirmation" : null,
    checks: 1,
    succeededAt: status === "succeeded" ? paidAt : null,
    createdAt,
    updatedAt: paidAt,
  });
  if (status !== "succeeded") return null;
  const grantId = idAt(paidAt);
  const source = `payment:${id}`;
  const { credits } = product;
  const grant = { id: grantId, userId, kind: "pack" as const, source, credits, creditsLeft: isRefunded ? 0 : credits };
  rows.creditGrants.push({ ...grant, createdAt: paidAt });
  const entry = { userId, action: "pack", reservedDelta: 0, freeActionDelta: 0, grantId, createdAt: paidAt };
  const granted = { kind: "grant" as const, cause: `grant:${source}`, counterAccount: "granted" as const };
  rows.creditEntries.push({ ...entry, ...granted, id: idAt(paidAt), balanceDelta: credits, counterDelta: -credits });
  rows.taxEntries.push(taxEntry(idAt(paidAt), { id, paidAt, amountKopecks, isRefunded }));
  if (!isRefunded) return { grantId, paidAt, left: credits };
  const refundId = idAt(paidAt);
  rows.refunds.push({
    id: refundId,
    paymentId: id,
    yookassaId: `made-up-${refundId}`,
    amountKopecks,
    status: "succeeded",
    origin: "owner",
    reason: "made up",
    idempotencyKey: `made-up-${refundId}`,
    creditsRevoked: credits,
    createdAt: paidAt,
    updatedAt: paidAt,
  });
  const revoked = { kind: "revoke" as const, cause: `refund:${refundId}`, counterAccount: "revoked" as const };
  rows.creditEntries.push({ ...entry, ...revoked, id: idAt(paidAt), balanceDelta: -credits, counterDelta: credits });
  return null;
}

function taxEntry(
  id: string,
  sale: { id: string; paidAt: Date; amountKopecks: number; isRefunded: boolean },
): typeof taxEntries.$inferInsert {
  return {
    id,
    paymentId: sale.id,
    cause: `payment:${sale.id}`,
    date: moscowDate(sale.paidAt),
    operationAt: sale.paidAt,
    grossKopecks: sale.amountKopecks,
    buyer: "individual",
    service: "made up",
    state: sale.isRefunded ? "annulled" : "registered",
    receiptNumber: sale.isRefunded ? null : "made-up",
    annulReason: sale.isRefunded ? "made up" : null,
    annulDue: false,
    createdAt: sale.paidAt,
    updatedAt: sale.paidAt,
  };
}

/** A picture that ended one way or another. Returns the month whose free action it used, or null. */
function makePicture(
  rows: Rows,
  { random, idAt, catalogue }: Maker,
  userId: string,
  createdAt: Date,
  packs: Pack[],
): string | null {
  const type = random() < 0.6 ? ("fitting" as const) : ("editing" as const);
  const action = type === "fitting" ? ("fitting" as const) : ("edit_generation" as const);
  const price = catalogue.actions[action];
  const chance = random();
  const status =
    chance < FAILED_SHARE
      ? ("failed" as const)
      : chance < FAILED_SHARE + STOPPED_SHARE
        ? ("cancelled" as const)
        : ("succeeded" as const);
  const isMade = status === "succeeded";
  const finishedAt = new Date(createdAt.getTime() + (10 + random() * random() * 110) * SECOND_MS);
  const pack = packs.find((one) => one.paidAt <= createdAt && one.left >= price);
  const credits = pack ? price : 0;
  const id = idAt(createdAt);
  const holdId = idAt(createdAt);
  const freeMonth = pack ? null : moscowMonth(createdAt);
  const base = { userId, action, holdId, grantId: null };
  rows.creditHolds.push({
    id: holdId,
    userId,
    operation: `generation:${id}`,
    action,
    state: isMade ? "settled" : "released",
    credits,
    freeMonth,
    freeReturned: !pack && !isMade,
    createdAt,
    endedAt: finishedAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(createdAt),
    kind: "hold",
    cause: `hold:${holdId}`,
    balanceDelta: -credits,
    reservedDelta: credits,
    counterAccount: "none",
    counterDelta: 0,
    freeActionDelta: pack ? 0 : -1,
    createdAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(finishedAt),
    kind: isMade ? "settle" : "release",
    cause: `hold:${holdId}:end`,
    balanceDelta: isMade ? 0 : credits,
    reservedDelta: -credits,
    counterAccount: isMade ? "spent" : "none",
    counterDelta: isMade ? credits : 0,
    freeActionDelta: pack || isMade ? 0 : 1,
    createdAt: finishedAt,
  });
  if (pack) {
    rows.creditHoldParts.push({ holdId, grantId: pack.grantId, credits });
    if (isMade) pack.left -= credits;
  }
  rows.generations.push({
    id,
    userId,
    type,
    status,
    prompt: "",
    watermarked: false,
    holdId,
    creditsSpent: isMade ? credits : 0,
    freeAction: !pack,
    progress: isMade ? 100 : 0,
    attempt: status === "cancelled" ? 0 : 1,
    errorCode: status === "failed" ? (ERRORS[Math.floor(random() * ERRORS.length)] ?? "timed_out") : null,
    deadlineAt: new Date(createdAt.getTime() + 10 * MINUTE_MS),
    startedAt: createdAt,
    finishedAt,
    createdAt,
    updatedAt: finishedAt,
  });
  if (status !== "cancelled") {
    rows.generationAttempts.push({
      id: idAt(createdAt),
      generationId: id,
      number: 1,
      state: isMade ? "succeeded" : "failed",
      providerTaskId: `made-up-${id}`,
      polls: 3,
      costMillicredits: isMade ? PICTURE_MILLICREDITS : null,
      submittedAt: createdAt,
      acceptedAt: createdAt,
      endedAt: finishedAt,
    });
  }
  return pack || !isMade ? null : freeMonth;
}

function before(moment: Date, ms: number): Date {
  return new Date(moment.getTime() - ms);
}
