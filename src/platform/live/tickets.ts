import { createHash } from "node:crypto";
import { and, eq, gt, lt } from "drizzle-orm";
import { after, type Clock, SECOND_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { randomToken } from "../ids.ts";
import { liveTickets } from "./tables.ts";

/** Time enough to open a socket, too short to find a ticket in a log. */
export const TICKET_SECONDS = 30;

interface TicketNeeds {
  db: Queries;
  clock: Clock;
}

/** Makes a ticket that opens one socket for this person and session. */
export async function issueTicket(needs: TicketNeeds, owner: { userId: string; sessionId: string }): Promise<string> {
  const ticket = randomToken(24);
  const expiresAt = after(needs.clock.now(), TICKET_SECONDS * SECOND_MS);
  await needs.db.insert(liveTickets).values({ hash: hashOf(ticket), ...owner, expiresAt });
  return ticket;
}

/** Uses a ticket up; null when it is unknown, used or too old. */
export async function redeemTicket(
  needs: TicketNeeds,
  ticket: string,
): Promise<{ userId: string; sessionId: string } | null> {
  const [owner] = await needs.db
    .delete(liveTickets)
    .where(and(eq(liveTickets.hash, hashOf(ticket)), gt(liveTickets.expiresAt, needs.clock.now())))
    .returning({ userId: liveTickets.userId, sessionId: liveTickets.sessionId });
  return owner ?? null;
}

/** Removes tickets that nobody used; returns how many. */
export async function forgetOldTickets(needs: TicketNeeds): Promise<number> {
  const removed = await needs.db
    .delete(liveTickets)
    .where(lt(liveTickets.expiresAt, needs.clock.now()))
    .returning({ hash: liveTickets.hash });
  return removed.length;
}

function hashOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("base64url");
}
