import { MINUTE_MS } from "../../../platform/clock.ts";
import { moscowDate } from "../../../platform/moscow.ts";
import { type taxEntries, taxOn } from "../../billing/index.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";

const CANCELLED_SHARE = 0.1;
const PENDING_SHARE = 0.02;
const REFUNDED_SHARE = 0.03;

/** An order, and what came of it; the pack where it was paid and kept. */
export function makePayment(
  rows: Rows,
  { random, idAt, catalogue }: Maker,
  userId: string,
  createdAt: Date,
): Pack | null {
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
