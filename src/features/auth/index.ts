export { forgetOldSessions, liveSessions } from "./sessions.ts";
export { CLOSE_TICKET_INVALID, holderOfTicket, type TicketHolder } from "./socket-ticket.ts";
export { createAccessTokens } from "./tokens.ts";
