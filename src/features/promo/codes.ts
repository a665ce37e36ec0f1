import { randomBytes } from "node:crypto";
import { and, desc, eq, isNull, lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { OperatorError } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { promoCodes } from "./tables.ts";

export type PromoCode = typeof promoCodes.$inferSelect;

/** What a code gives: credits that never end, or days of a plan. */
export type PromoEffect = { credits: number } | { days: number; plan: NonNullable<PromoCode["plan"]> };

/** Letters and digits that look like no other, 32 of them: each random byte gives one without a bias. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/** 50 bits: not to be guessed. */
const RANDOM_CODE_LENGTH = 10;
/** Latin or Cyrillic capitals and digits. */
const CODE = /^[0-9A-ZА-ЯЁ]{4,32}$/;

/**
 * The one spelling of a code that people type as they like: capitals, without spaces and hyphens. Null for what cannot be
 * a code.
 */
export function normalCode(text: string): string | null {
  const code = text
    .normalize("NFKC")
    .replaceAll(/[\s\p{Pd}]/gu, "")
    .toUpperCase();
  return CODE.test(code) ? code : null;
}

function randomCode(): string {
  return Array.from(randomBytes(RANDOM_CODE_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

export interface NewPromoCode {
  /** As the owner wants it; a random one without. */
  code?: string | undefined;
  effect: PromoEffect;
  usesMax: number;
  expiresAt?: Date | undefined;
  /** Who makes it, such as `command`. */
  createdBy: string;
}

/** Makes a code. Throws an `OperatorError` for one that cannot be typed or exists already, and for a plan that is not sold. */
export async function createPromoCode(
  ctx: Pick<Context, "db" | "clock" | "catalogue">,
  wanted: NewPromoCode,
): Promise<PromoCode> {
  const code = wanted.code === undefined ? randomCode() : normalCode(wanted.code);
  if (code === null) {
    throw new OperatorError(
      `A code has 4 to 32 letters (Latin or Cyrillic) and digits; case, spaces and hyphens do not matter. Not: "${wanted.code}".`,
    );
  }
  if ("plan" in wanted.effect && !isSold(ctx, wanted.effect.plan)) {
    throw new OperatorError(`The catalogue has no plan ${wanted.effect.plan}, so a code cannot give days of it.`);
  }
  const [row] = await ctx.db
    .insert(promoCodes)
    .values({
      id: newId(),
      code,
      ...wanted.effect,
      usesMax: wanted.usesMax,
      uses: 0,
      expiresAt: wanted.expiresAt ?? null,
      createdBy: wanted.createdBy,
      createdAt: ctx.clock.now(),
    })
    .onConflictDoNothing()
    .returning();
  if (!row) throw new OperatorError(`There is a code ${code} already. A code keeps its meaning; take another one.`);
  return row;
}

/** Whether the catalogue in force knows the plan. */
export function isSold(ctx: Pick<Context, "catalogue">, plan: string): boolean {
  return ctx.catalogue.plans.some(({ key }) => key === plan);
}

/** Stops a code for good; what it gave stays. Null when there is none; `isNew` is false when it was stopped before. */
export async function stopPromoCode(
  ctx: Pick<Context, "db" | "clock">,
  text: string,
): Promise<{ code: PromoCode; isNew: boolean } | null> {
  const named = eq(promoCodes.code, normalCode(text) ?? "");
  const [stopped] = await ctx.db
    .update(promoCodes)
    .set({ stoppedAt: ctx.clock.now() })
    .where(and(named, isNull(promoCodes.stoppedAt)))
    .returning();
  if (stopped) return { code: stopped, isNew: true };
  const [code] = await ctx.db.select().from(promoCodes).where(named);
  return code ? { code, isNew: false } : null;
}

/** The codes, newest first; `before` is the id of the last one already seen. */
export async function listPromoCodes(
  ctx: Pick<Context, "db">,
  page: { before: string | null; limit: number },
): Promise<PromoCode[]> {
  return ctx.db
    .select()
    .from(promoCodes)
    .where(page.before === null ? undefined : lt(promoCodes.id, page.before))
    .orderBy(desc(promoCodes.id))
    .limit(page.limit);
}

export type PromoState = "active" | "stopped" | "expired" | "exhausted";

/** Whether a code can be used now, and if not, why. */
export function promoStateOf(code: PromoCode, now: Date): PromoState {
  if (code.stoppedAt !== null) return "stopped";
  if (code.expiresAt !== null && code.expiresAt <= now) return "expired";
  return code.uses >= code.usesMax ? "exhausted" : "active";
}
