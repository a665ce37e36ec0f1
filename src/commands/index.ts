import type { Command } from "./command.ts";
import { migrateCommand } from "./migrate.ts";
import { serveCommand } from "./serve.ts";

/** Every command, in the order in which `atelier --help` shows them. */
export const commands: readonly Command[] = [serveCommand, migrateCommand];

/** The command that the words begin with, and the words behind its name. */
export function findCommand(words: readonly string[]): { command: Command; args: readonly string[] } | null {
  for (const command of commands) {
    const name = command.name.split(" ");
    if (name.every((word, place) => words[place] === word)) return { command, args: words.slice(name.length) };
  }
  return null;
}

/** What `atelier --help` prints. */
export function overview(): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return [
    "atelier: the backend of a Telegram Mini App that makes pictures, in one file.",
    "",
    "Usage: atelier <command> [options]",
    "",
    ...lines,
    "",
    "atelier <command> --help explains one. Try everything without any account: atelier demo",
  ].join("\n");
}
