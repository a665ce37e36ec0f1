import type { Catalogue } from "../../../platform/config/catalogue.ts";
import {
  creditEntries,
  creditGrants,
  creditHoldParts,
  creditHolds,
  payments,
  refunds,
  taxEntries,
} from "../../billing/index.ts";
import { chatHistory, chatTurns } from "../../editing/index.ts";
import { generationAttempts, generations } from "../../generations/index.ts";
import { users } from "../../profile/index.ts";

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
    chatHistory: [] as (typeof chatHistory.$inferInsert)[],
    chatTurns: [] as (typeof chatTurns.$inferInsert)[],
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
  chatHistory,
  chatTurns,
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
export interface Pack {
  grantId: string;
  paidAt: Date;
  left: number;
}
