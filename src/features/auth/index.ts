export {
  listOperators,
  makeOperatorLink,
  mayAct,
  OPERATOR_LINK_MINUTES,
  roleOf,
  setRole,
  signInByLink,
} from "./operators.ts";
export { endSession, forgetOldSessions, liveSessions } from "./sessions.ts";
export { CLOSE_TICKET_INVALID, holderOfTicket, type TicketHolder } from "./socket-ticket.ts";
export { OPERATOR_ROLES, type OperatorRole } from "./tables.ts";
export { ACCESS_TOKEN_SECONDS, type AccessTokens, createAccessTokens } from "./tokens.ts";
