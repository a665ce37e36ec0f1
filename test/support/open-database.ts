import { afterEach, beforeEach } from "bun:test";
import type { Database } from "../../src/platform/db/database.ts";
import { createTestDatabase, openTestDatabase, type TestDatabase } from "./database.ts";

/** A migrated database of the lane, opened anew for each test. */
export function useOpenDatabase(): () => Database {
  let database: TestDatabase;
  let open: Database;
  beforeEach(async () => {
    database = await createTestDatabase();
    open = await openTestDatabase(database);
  });
  afterEach(async () => {
    await open.close();
    await database.remove();
  });
  return () => open;
}
