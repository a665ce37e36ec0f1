import { eq } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import type { Seal } from "../seal.ts";
import { remoteSessions } from "./tables.ts";

/** Where the login at a service lies between calls, processes and restarts. */
export interface RemoteSession {
  /** The installation's name at the service: made with `make` at the first call ever, and the same from then on. */
  deviceId(make: () => string): Promise<string>;
  /** What was written last; null when there is nothing, or nothing that the present password opens. */
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

export function createRemoteSession(needs: {
  queries: Queries;
  clock: Clock;
  seal: Seal;
  account: string;
}): RemoteSession {
  const { queries, clock, seal, account } = needs;
  const row = async () => (await queries.select().from(remoteSessions).where(eq(remoteSessions.account, account)))[0];
  return {
    async deviceId(make) {
      const known = await row();
      if (known) return known.deviceId;
      // Whoever comes second reads what the first one made.
      await queries
        .insert(remoteSessions)
        .values({ account, deviceId: make(), sealed: null, updatedAt: clock.now() })
        .onConflictDoNothing();
      const made = await row();
      if (!made) throw new Error("the row of a remote session vanished");
      return made.deviceId;
    },
    async read() {
      const sealed = (await row())?.sealed ?? null;
      return sealed === null ? null : seal.open(sealed);
    },
    async write(text) {
      await queries
        .update(remoteSessions)
        .set({ sealed: seal.close(text), updatedAt: clock.now() })
        .where(eq(remoteSessions.account, account));
    },
  };
}
