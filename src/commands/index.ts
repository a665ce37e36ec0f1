import type { Command } from "./command.ts";

/** A command by its name; its module is loaded only for who asks for it: a server must not pay for what operators run. */
interface Entry {
  name: string;
  load(): Promise<Command>;
}

/** Every command, in the order in which `atelier --help` shows them. */
const entries: readonly Entry[] = [
  { name: "serve", load: async () => (await import("./serve.ts")).serveCommand },
  { name: "demo", load: async () => (await import("./demo.ts")).demoCommand },
  { name: "sandbox", load: async () => (await import("./sandbox.ts")).sandboxCommand },
  { name: "migrate", load: async () => (await import("./migrate.ts")).migrateCommand },
  { name: "doctor", load: async () => (await import("./doctor.ts")).doctorCommand },
  { name: "settings", load: async () => (await import("./settings.ts")).settingsCommand },
  { name: "user show", load: async () => (await import("./user.ts")).userShowCommand },
  { name: "user grant", load: async () => (await import("./user-grant.ts")).userGrantCommand },
  { name: "user admin", load: async () => (await import("./user-admin.ts")).userAdminCommand },
  { name: "user export", load: async () => (await import("./user-export.ts")).userExportCommand },
  { name: "user erase", load: async () => (await import("./user-erase.ts")).userEraseCommand },
  { name: "jobs list", load: async () => (await import("./jobs.ts")).jobsListCommand },
  { name: "jobs show", load: async () => (await import("./jobs.ts")).jobsShowCommand },
  { name: "jobs retry", load: async () => (await import("./jobs.ts")).jobsRetryCommand },
  { name: "jobs park", load: async () => (await import("./jobs.ts")).jobsParkCommand },
  { name: "ledger verify", load: async () => (await import("./ledger.ts")).ledgerVerifyCommand },
  { name: "reconcile", load: async () => (await import("./reconcile.ts")).reconcileCommand },
  { name: "refund", load: async () => (await import("./refund.ts")).refundCommand },
  { name: "tax export", load: async () => (await import("./tax.ts")).taxExportCommand },
  { name: "tax mark", load: async () => (await import("./tax-mark.ts")).taxMarkCommand },
  { name: "bot set-webhook", load: async () => (await import("./bot.ts")).botSetWebhookCommand },
  { name: "bot menu-button", load: async () => (await import("./bot.ts")).botMenuButtonCommand },
  { name: "tax resume", load: async () => (await import("./tax-mark.ts")).taxResumeCommand },
  { name: "promo create", load: async () => (await import("./promo.ts")).promoCreateCommand },
  { name: "promo list", load: async () => (await import("./promo.ts")).promoListCommand },
  { name: "promo stop", load: async () => (await import("./promo.ts")).promoStopCommand },
  { name: "maintenance on", load: async () => (await import("./maintenance.ts")).maintenanceOnCommand },
  { name: "maintenance off", load: async () => (await import("./maintenance.ts")).maintenanceOffCommand },
  { name: "maintenance status", load: async () => (await import("./maintenance.ts")).maintenanceStatusCommand },
  { name: "cleanup", load: async () => (await import("./cleanup.ts")).cleanupCommand },
  { name: "storage move", load: async () => (await import("./storage-move.ts")).storageMoveCommand },
  { name: "backup", load: async () => (await import("./backup.ts")).backupCommand },
  { name: "restore", load: async () => (await import("./restore.ts")).restoreCommand },
  { name: "copy receive", load: async () => (await import("./copy-receive.ts")).copyReceiveCommand },
  { name: "copy", load: async () => (await import("./copy.ts")).copyCommand },
  { name: "healthcheck", load: async () => (await import("./healthcheck.ts")).healthcheckCommand },
  { name: "openapi", load: async () => (await import("./openapi.ts")).openapiCommand },
  { name: "seed", load: async () => (await import("./seed.ts")).seedCommand },
  { name: "version", load: async () => (await import("./version.ts")).versionCommand },
];

/** Loads them all. */
export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(entries.map(({ load }) => load()));
}

/** The command that the words begin with, and the words behind its name. */
export async function findCommand(
  words: readonly string[],
): Promise<{ command: Command; args: readonly string[] } | null> {
  for (const { name: fullName, load } of entries) {
    const name = fullName.split(" ");
    if (name.every((word, place) => words[place] === word)) {
      return { command: await load(), args: words.slice(name.length) };
    }
  }
  return null;
}

/** What `atelier --help` prints, or with a topic such as `jobs`, its commands only; null where no command begins with it. */
export async function overview(topic?: string): Promise<string | null> {
  const visible = (await loadCommands()).filter((command) => !command.hidden);
  const shown = visible.filter((command) => topic === undefined || command.name.split(" ")[0] === topic);
  if (shown.length === 0) return null;
  const width = Math.max(...shown.map((command) => command.name.length));
  const lines = shown.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  const usage = `Usage: atelier ${topic === undefined ? "" : `${topic} `}<command> [options]`;
  if (topic !== undefined) return [usage, "", ...lines, "", "atelier <command> --help explains one."].join("\n");
  return [
    "atelier: the backend of a Telegram Mini App that makes pictures, in one file.",
    "",
    usage,
    "",
    ...lines,
    "",
    "atelier <command> --help explains one. Try everything without any account: atelier demo",
  ].join("\n");
}
