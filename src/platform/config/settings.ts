import { creditSettings } from "./settings/credits.ts";
import { databaseSettings } from "./settings/database.ts";
import { keySettings } from "./settings/keys.ts";
import { loopbackSettings } from "./settings/loopback.ts";
import { modelSettings } from "./settings/models.ts";
import { operationSettings } from "./settings/operation.ts";
import { pictureSettings } from "./settings/pictures.ts";
import { sellingSettings } from "./settings/selling.ts";
import { serverSettings } from "./settings/server.ts";
import { storageSettings } from "./settings/storage.ts";
import { telegramSettings } from "./settings/telegram.ts";
import { telemetrySettings } from "./settings/telemetry.ts";
import { termsSettings } from "./settings/terms.ts";

/**
 * Every setting of the program by topic, in the order in which `atelier settings`, `.env.example` and
 * `docs/settings.md` show them. An empty default means "not set".
 */
export const settingsTable = {
  ...serverSettings,
  ...databaseSettings,
  ...storageSettings,
  ...keySettings,
  ...telegramSettings,
  ...modelSettings,
  ...sellingSettings,
  ...loopbackSettings,
  ...creditSettings,
  ...pictureSettings,
  ...termsSettings,
  ...operationSettings,
  ...telemetrySettings,
} as const;

export type SettingName = keyof typeof settingsTable;

type ValueOf<S> = S extends { parse(text: string): infer T } ? T : never;

/** The values of all settings, checked. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settingsTable)[Name]> };

/** What must be set before requests are served; operator commands need only the database. */
export const REQUIRED_TO_SERVE: readonly SettingName[] = [
  "PUBLIC_URL",
  "JWT_SECRET",
  "LINK_SECRET",
  "TELEGRAM_BOT_TOKEN",
  "KIE_API_KEY",
];
