import { and, desc, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { consents } from "./tables.ts";

type Needs = Pick<Context, "db" | "settings">;

/** What a person accepted last, beside what is in force; null where no terms are set or nothing was accepted. */
export interface Consent {
  /** The version in force. */
  terms_version: string | null;
  terms_url: string | null;
  accepted_version: string | null;
  accepted_at: string | null;
  /** True while the version in force waits to be accepted: until then no photo and no message is taken. */
  required: boolean;
}

/** The person's consent as the API answers it. */
export async function consentOf(ctx: Needs, userId: string): Promise<Consent> {
  const version = termsVersion(ctx);
  const [last] = await ctx.db
    .select()
    .from(consents)
    .where(eq(consents.userId, userId))
    .orderBy(desc(consents.acceptedAt), desc(consents.id))
    .limit(1);
  return {
    terms_version: version,
    terms_url: ctx.settings.TERMS_URL === "" ? null : ctx.settings.TERMS_URL,
    accepted_version: last?.version ?? null,
    accepted_at: last?.acceptedAt.toISOString() ?? null,
    required: version !== null && !(await hasAccepted(ctx, userId, version)),
  };
}

/**
 * Writes down that the person accepted the version in force. Accepting it again changes nothing, and the first time
 * counts. Any other version is refused with `terms_changed`: nobody accepts a text that they were not shown.
 */
export async function acceptTerms(ctx: Needs & Pick<Context, "clock">, userId: string, version: string): Promise<void> {
  const inForce = termsVersion(ctx);
  if (version !== inForce) throw new Refusal("terms_changed", termsOf(ctx));
  await ctx.db
    .insert(consents)
    .values({ id: newId(), userId, version, acceptedAt: ctx.clock.now() })
    .onConflictDoNothing();
}

/** Refuses to take anything personal from whoever has not accepted the terms in force. Nothing is asked where none are set. */
export async function refuseWithoutConsent(ctx: Needs, userId: string): Promise<void> {
  const version = termsVersion(ctx);
  if (version === null || (await hasAccepted(ctx, userId, version))) return;
  throw new Refusal("consent_required", termsOf(ctx));
}

async function hasAccepted(ctx: Needs, userId: string, version: string): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: consents.id })
    .from(consents)
    .where(and(eq(consents.userId, userId), eq(consents.version, version)));
  return rows.length > 0;
}

function termsVersion(ctx: Pick<Context, "settings">): string | null {
  return ctx.settings.TERMS_VERSION === "" ? null : ctx.settings.TERMS_VERSION;
}

function termsOf(ctx: Pick<Context, "settings">) {
  return { terms_version: termsVersion(ctx), terms_url: ctx.settings.TERMS_URL === "" ? null : ctx.settings.TERMS_URL };
}
