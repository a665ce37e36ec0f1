import { print } from "./commands/command.ts";
import { findCommand, overview } from "./commands/index.ts";
import { OperatorError } from "./platform/errors.ts";

/** argv -> one command. What people must mend is a sentence on standard error and exit code 2; a bug shows its stack. */
async function main(words: readonly string[]): Promise<number> {
  const found = findCommand(words);
  if (!found) {
    const isHelp = words.length === 0 || words[0] === "help" || words[0] === "--help" || words[0] === "-h";
    if (isHelp) print(overview());
    else process.stderr.write(`atelier: there is no command "${words.join(" ")}"\n\n${overview()}\n`);
    return isHelp ? 0 : 2;
  }
  if (found.args.includes("--help") || found.args.includes("-h")) {
    print(found.command.help);
    return 0;
  }
  return found.command.run(found.args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isForPeople =
    error instanceof OperatorError ||
    (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"));
  process.stderr.write(isForPeople ? `atelier: ${error.message}\n` : `${Bun.inspect(error)}\n`);
  process.exitCode = isForPeople ? 2 : 1;
}
// Timers and pools of a finished command must not keep the program alive.
process.exit();
