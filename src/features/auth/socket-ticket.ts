import type { Context } from "../../context.ts";
import { redeemTicket } from "../../platform/live/tickets.ts";
import { roleOf } from "./operators.ts";
import { personOfSession, type SignedInPerson } from "./sessions.ts";

/** Closes a socket whose ticket is unknown, used or too old, or whose person may not come in. */
export const CLOSE_TICKET_INVALID = 4401;

export interface TicketHolder {
  person: SignedInPerson;
  /** Asked again while the socket is open: the session may have ended, the person been banned. */
  stillAllowed(): Promise<boolean>;
  /** Whether they may open the owner's panel at this moment. */
  isOperator(): Promise<boolean>;
}

/** Whom a ticket lets in; uses it up. Null when it lets nobody in. */
export async function holderOfTicket(ctx: Context, ticket: string): Promise<TicketHolder | null> {
  const owner = await redeemTicket(ctx, ticket);
  if (!owner) return null;
  const allowed = async () => {
    const person = await personOfSession(ctx, owner);
    return person !== null && person.bannedAt === null ? person : null;
  };
  const person = await allowed();
  return (
    person && {
      person,
      stillAllowed: async () => (await allowed()) !== null,
      async isOperator() {
        const now = await allowed();
        return now !== null && (await roleOf(ctx, now)) !== null;
      },
    }
  );
}
