import { botMenuButtonCommand, botSetWebhookCommand } from "./bot.ts";
import { cleanupCommand } from "./cleanup.ts";
import type { Command } from "./command.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { healthcheckCommand } from "./healthcheck.ts";
import { jobsListCommand, jobsParkCommand, jobsRetryCommand, jobsShowCommand } from "./jobs.ts";
import { ledgerVerifyCommand } from "./ledger.ts";
import { migrateCommand } from "./migrate.ts";
import { openapiCommand } from "./openapi.ts";
import { promoCreateCommand, promoListCommand, promoStopCommand } from "./promo.ts";
import { reconcileCommand } from "./reconcile.ts";
import { refundCommand } from "./refund.ts";
import { sandboxCommand } from "./sandbox.ts";
import { seedCommand } from "./seed.ts";
import { serveCommand } from "./serve.ts";
import { settingsCommand } from "./settings.ts";
import { taxExportCommand } from "./tax.ts";
import { taxMarkCommand, taxResumeCommand } from "./tax-mark.ts";
import { userShowCommand } from "./user.ts";
import { userAdminCommand } from "./user-admin.ts";
import { userEraseCommand } from "./user-erase.ts";
import { userExportCommand } from "./user-export.ts";
import { userGrantCommand } from "./user-grant.ts";
import { versionCommand } from "./version.ts";

/** Every command, in the order in which `atelier --help` shows them. */
export const commands: readonly Command[] = [
  serveCommand,
  demoCommand,
  sandboxCommand,
  migrateCommand,
  doctorCommand,
  settingsCommand,
  userShowCommand,
  userGrantCommand,
  userAdminCommand,
  userExportCommand,
  userEraseCommand,
  jobsListCommand,
  jobsShowCommand,
  jobsRetryCommand,
  jobsParkCommand,
  ledgerVerifyCommand,
  reconcileCommand,
  refundCommand,
  taxExportCommand,
  taxMarkCommand,
  botSetWebhookCommand,
  botMenuButtonCommand,
  taxResumeCommand,
  promoCreateCommand,
  promoListCommand,
  promoStopCommand,
  cleanupCommand,
  healthcheckCommand,
  openapiCommand,
  seedCommand,
  versionCommand,
];

/** The command that the words begin with, and the words behind its name. */
export function findCommand(words: readonly string[]): { command: Command; args: readonly string[] } | null {
  for (const command of commands) {
    const name = command.name.split(" ");
    if (name.every((word, place) => words[place] === word)) return { command, args: words.slice(name.length) };
  }
  return null;
}

/** Whether the word is a command or begins the names of several, as `jobs` does. */
export function isTopic(word: string): boolean {
  return about(word).length > 0;
}

/** What `atelier --help` prints; with a topic such as `jobs`, its commands only. */
export function overview(topic = ""): string {
  const shown = isTopic(topic) ? about(topic) : commands;
  const width = Math.max(...shown.map((command) => command.name.length));
  const lines = shown.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  const usage = `Usage: atelier ${isTopic(topic) ? `${topic} ` : ""}<command> [options]`;
  if (isTopic(topic)) return [usage, "", ...lines, "", "atelier <command> --help explains one."].join("\n");
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

function about(topic: string): readonly Command[] {
  return commands.filter((command) => command.name.split(" ")[0] === topic);
}
