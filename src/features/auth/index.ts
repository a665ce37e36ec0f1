export { forgetOldSessions, liveSessions } from "./sessions.ts";
export { createAccessTokens } from "./tokens.ts";
