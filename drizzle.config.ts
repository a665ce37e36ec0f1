import { defineConfig } from "drizzle-kit";
import { dialect } from "./src/platform/db/dialect.ts";

/** `DATABASE_DIALECT=sqlite` or `postgres` chooses what `bun run generate` writes; no database is needed for it. */
export default defineConfig({
  dialect: dialect === "postgres" ? "postgresql" : "sqlite",
  schema: "./src/tables.ts",
  out: `./drizzle/${dialect}`,
});
