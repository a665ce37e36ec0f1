import { processEnvironment } from "../config/environment.ts";

export type Dialect = "sqlite" | "postgres";

/**
 * Tables are built while modules load, so the dialect is a choice of the process: Postgres when `DATABASE_URL` names
 * one, SQLite otherwise. `DATABASE_DIALECT` overrides it for drizzle-kit, which needs no database to write migrations.
 * Only this folder and `platform/queue/claim.ts` may ask.
 */
export const dialect: Dialect = chooseDialect(
  processEnvironment.get("DATABASE_DIALECT")?.value,
  processEnvironment.get("DATABASE_URL")?.value,
);

export function chooseDialect(named: string | undefined, databaseUrl: string | undefined): Dialect {
  if (named === "postgres" || named === "sqlite") return named;
  return databaseUrl !== undefined && /^postgres(ql)?:\/\//.test(databaseUrl) ? "postgres" : "sqlite";
}
