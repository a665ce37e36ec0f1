import { beforeAll } from "bun:test";
import { desc } from "drizzle-orm";
import { auditEntries } from "../../src/features/audit/index.ts";
import { type Person, type TestApp, useTestApp } from "./app.ts";
import { admin, type Operators, OWNER_SETTING, signInOperators } from "./operators.ts";

export type PanelAnswer = Record<string, unknown> & { items?: Record<string, unknown>[] };

/** The product with one operator of each role. */
export interface PanelTeam {
  app: TestApp;
  team: Operators;
  /** Asks a route of the panel, as the owner unless somebody else is named. */
  ask(
    path: string,
    json?: unknown,
    as?: Person,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: PanelAnswer }>;
  /** Does something, and returns the entries of the audit trail that it left, the newest first. */
  trailOf(work: () => Promise<unknown>): Promise<(typeof auditEntries.$inferSelect)[]>;
}

/** Starts it for all tests of the file (or `describe`) in whose body this is called. */
export function usePanelTeam(): () => PanelTeam {
  const shared = useTestApp({ settings: { ...OWNER_SETTING, FREE_ACTIONS_PER_MONTH: "3" } });
  let team: Operators | undefined;
  beforeAll(async () => {
    team = await signInOperators(shared());
  });
  return () => {
    if (!team) throw new Error("the operators sign in by beforeAll; ask for them inside a test");
    const { owner } = team;
    const app = shared();
    return {
      app,
      team,
      ask: (path, json, as = owner, headers = {}) => admin<PanelAnswer>(app, as, path, json, headers),
      async trailOf(work) {
        const before = new Set((await app.ctx.db.select().from(auditEntries)).map((entry) => entry.id));
        await work();
        const after = await app.ctx.db.select().from(auditEntries).orderBy(desc(auditEntries.id));
        return after.filter((entry) => !before.has(entry.id));
      },
    };
  };
}
