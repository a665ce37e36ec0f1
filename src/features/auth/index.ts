export { forgetOldSessions } from "./sessions.ts";
export { createAccessTokens } from "./tokens.ts";
