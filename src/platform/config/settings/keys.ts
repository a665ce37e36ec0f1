import { type SettingsPart, signingKeys } from "../setting-types.ts";

/** What tokens and links are signed with. */
export const keySettings = {
  JWT_SECRET: signingKeys({
    text: "Signs access tokens: at least 32 bytes; a comma list rotates keys, the first signs.",
    default: [],
    example: "$(openssl rand -base64 48)",
  }),
  LINK_SECRET: signingKeys({
    text: "Signs links to pictures and callback addresses: at least 32 bytes; a comma list rotates keys.",
    default: [],
    example: "$(openssl rand -base64 48)",
  }),
} as const satisfies SettingsPart;
