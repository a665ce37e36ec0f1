import { getTableName, type Table } from "drizzle-orm";
import type { Database, Queries } from "../../../src/platform/db/database.ts";
import { openDatabase as openRealDatabase } from "../../../src/platform/db/open.ts";
import { killPoint, uncommittedPoint } from "./points.ts";

export * from "../../../src/platform/db/open.ts";

/** Every finished write to one of these is a kill point; so is every job that is made in the same transaction. */
const MONEY_TABLES: ReadonlySet<string> = new Set([
  "payments",
  "payment_notices",
  "refunds",
  "tax_entries",
  "tax_meters",
  "credit_grants",
  "credit_entries",
  "credit_holds",
  "credit_hold_parts",
  "subscriptions",
  "subscription_periods",
  "plan_orders",
  "idempotency_keys",
]);
/** What money moves of a person's row. */
const MONEY_OF_PEOPLE: ReadonlySet<string> = new Set([
  "balanceCredits",
  "reservedCredits",
  "subscriptionType",
  "subscriptionEnd",
]);
/** Removed when they are old, by the hourly cleanup. */
const FORGOTTEN_TABLES: ReadonlySet<string> = new Set(["payment_notices", "idempotency_keys"]);

type Verb = "insert" | "update" | "delete";
const VERBS: ReadonlySet<PropertyKey> = new Set<Verb>(["insert", "update", "delete"]);

/** Stands in for the real one in the test's build: the same database, with the kill points of money. */
export async function openDatabase(...parameters: Parameters<typeof openRealDatabase>): Promise<Database> {
  const database = await openRealDatabase(...parameters);
  return {
    ...database,
    queries: counted(database.queries, (write) => {
      if (isMoney(write)) killPoint(`${write.verb} ${write.table}`);
    }),
    async transaction(work) {
      let movesMoney = false;
      const written = (write: Write) => {
        movesMoney ||= isMoney(write);
        const isJob = write.verb === "insert" && write.table === "jobs";
        if (isMoney(write) || (movesMoney && isJob)) uncommittedPoint(`${write.verb} ${write.table}`);
      };
      const result = await database.transaction((queries) => {
        movesMoney = false;
        return work(counted(queries, written));
      });
      if (movesMoney) killPoint("commit");
      return result;
    },
  };
}

/** One statement on its way. */
interface Write {
  verb: Verb;
  table: string;
  /** The columns that an update sets. */
  columns: readonly string[];
}

function isMoney({ verb, table, columns }: Write): boolean {
  if (table === "users") return verb === "update" && columns.some((column) => MONEY_OF_PEOPLE.has(column));
  return MONEY_TABLES.has(table) && !(verb === "delete" && FORGOTTEN_TABLES.has(table));
}

function counted(queries: Queries, written: (write: Write) => void): Queries {
  return new Proxy(queries, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...given: unknown[]) => unknown;
      if (!VERBS.has(name)) return bound;
      return (table: Table) => {
        const write: Write = { verb: name as Verb, table: getTableName(table), columns: [] };
        return countedBuilder(bound(table), write, written);
      };
    },
  });
}

/** A statement being built; it counts once it was carried out. */
function countedBuilder(builder: unknown, write: Write, written: (write: Write) => void): unknown {
  if (typeof builder !== "object" || builder === null) return builder;
  return new Proxy(builder, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...given: unknown[]) => unknown;
      if (name !== "then") {
        return (...given: unknown[]) => {
          const columns = name === "set" ? Object.keys(given[0] as object) : write.columns;
          return countedBuilder(bound(...given), { ...write, columns }, written);
        };
      }
      return (done: (rows: unknown) => unknown, failed: (error: unknown) => unknown) =>
        bound((rows: unknown) => {
          written(write);
          return done(rows);
        }, failed);
    },
  });
}
