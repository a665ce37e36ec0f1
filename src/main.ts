import { buildInfo } from "./build/build-info.ts";
import { print } from "./commands/command.ts";
import { findCommand, overview } from "./commands/index.ts";
import { OperatorError, Refusal } from "./platform/errors.ts";
import { refusalText } from "./platform/refusals.ts";
import { refuseRuntimeOptions } from "./platform/runtime-guard.ts";

/** argv -> one command. What people must mend is a sentence on standard error and exit code 2; a bug shows its stack. */
async function main(words: readonly string[]): Promise<number> {
  refuseRuntimeOptions(process.env, buildInfo.builtAt !== undefined);
  const asksForHelp = words.length === 0 || words[0] === "help" || words.includes("--help") || words.includes("-h");
  const named = ["help", "--help", "-h"].includes(words[0] ?? "") ? words.slice(1) : words;
  const found = await findCommand(named);
  if (found && !asksForHelp) return found.command.run(found.args);
  const help = found ? found.command.help : await overview(named[0]);
  if (asksForHelp && help !== null) {
    print(help);
    return 0;
  }
  process.stderr.write(`atelier: there is no command "${words.join(" ")}"\n\n${help ?? (await overview())}\n`);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const sentence = sentenceOf(error);
  process.stderr.write(sentence === null ? `${Bun.inspect(error)}\n` : `atelier: ${sentence}\n`);
  process.exitCode = sentence === null ? 1 : 2;
}
await allIsWritten();
// Timers and pools of a finished command must not keep the program alive.
process.exit();

/** What people can mend, as a sentence; null for a bug. */
function sentenceOf(error: unknown): string | null {
  if (error instanceof OperatorError) return error.message;
  if (error instanceof Refusal) return `${refusalText(error.code).en} (${error.code})`;
  const isArgument = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  return isArgument ? error.message : null;
}

/** A slow reader behind a pipe gets everything: `process.exit` alone drops what does not fit into the pipe. */
function allIsWritten(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => resolve());
    process.stdout.end(() => resolve());
  });
}
