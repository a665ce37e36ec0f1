import { join } from "node:path";
import { until } from "./until.ts";

/** A second process of the program, started from a script in this folder. It is ended with `stop`. */
export interface Child {
  pid: number;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it has printed `text`. */
  hasPrinted(text: string): Promise<void>;
  exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

const PRINT_DEADLINE_MS = 20_000;

/** Runs `test/support/<script>` with `input` as its only argument, in the lane of this run. */
export function startChild(script: string, input: unknown): Child {
  const run = Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, script), JSON.stringify(input)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: process.env,
  });
  let printed = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const chunk of run.stdout) printed += decoder.decode(chunk, { stream: true });
  })();
  return {
    pid: run.pid,
    output: () => printed,
    hasPrinted: (text) =>
      until(() => printed.includes(text), `the child process has printed ${JSON.stringify(text)}`, PRINT_DEADLINE_MS),
    exited: run.exited.then(async (code) => {
      await reading;
      return code;
    }),
    kill: (signal) => run.kill(signal),
  };
}
