import { sql } from "drizzle-orm";
import { check, id, index, integer, moment, oneOf, table, text, uniqueIndex } from "../../platform/db/columns.ts";
import { SUBSCRIPTION_TYPES, users } from "../profile/tables.ts";

/** Codes that the owner gives away. Each has one effect: credits, or days of a plan. */
export const promoCodes = table(
  "promo_codes",
  {
    id: id("id").primaryKey(),
    /** As `normalCode` writes it, so that case, spaces and hyphens do not matter. */
    code: text("code").notNull(),
    credits: integer("credits"),
    days: integer("days"),
    plan: oneOf("plan", SUBSCRIPTION_TYPES),
    /** How many people it is for, and how many have used it. */
    usesMax: integer("uses_max").notNull(),
    uses: integer("uses").notNull(),
    expiresAt: moment("expires_at"),
    stoppedAt: moment("stopped_at"),
    /** Who made it, such as `command`. */
    createdBy: text("created_by").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (row) => [
    uniqueIndex("promo_codes_code").on(row.code),
    check(
      "promo_codes_effect",
      sql`(credits is not null and credits > 0 and days is null and plan is null) or (credits is null and days is not null and days > 0 and plan is not null)`,
    ),
    check("promo_codes_uses", sql`uses >= 0 and uses <= uses_max`),
  ],
);

/** Who used which code; a person uses a code once. */
export const promoUses = table(
  "promo_uses",
  {
    id: id("id").primaryKey(),
    codeId: id("code_id")
      .notNull()
      .references(() => promoCodes.id),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    createdAt: moment("created_at").notNull(),
  },
  (use) => [uniqueIndex("promo_uses_once").on(use.codeId, use.userId), index("promo_uses_user").on(use.userId)],
);
