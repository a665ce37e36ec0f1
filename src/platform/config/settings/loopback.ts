import { choice, type SettingsPart } from "../setting-types.ts";

/** Of every provider, so of none of their topics. */
export const loopbackSettings = {
  PROVIDER_LOOPBACK: choice({
    text: "`allow` permits providers and results over plain http on loopback, for tests and own emulators.",
    default: "refuse",
    among: ["refuse", "allow"],
  }),
} as const satisfies SettingsPart;
