import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Glob } from "bun";
import packageJson from "../package.json";

/**
 * `bun run check`: the whole gate, the same at home and in CI. Every step runs even when an earlier one failed, so that
 * one run shows everything. Ends with `N passed, N failed`: the tests of both lanes, and each other step that failed.
 */

const projectFolder = resolve(import.meta.dir, "..");
const BUILT = join(projectFolder, "dist/atelier");
const CLOSING_LINE_CHARACTERS_MAX = 200;
/** No step but the tests, which have deadlines of their own, takes nearly as long. */
const STEP_DEADLINE_MS = 5 * 60_000;
/** Smaller than this no photograph is. */
const PICTURE_BYTES_MIN = 10_000;

interface Outcome {
  failed: number;
  passed?: number;
  skipped?: number;
  /** What the step said, shown when it failed and was not shown already. */
  output?: string;
}

interface Step {
  name: string;
  run(): Promise<Outcome>;
}

const scripts: Readonly<Record<string, string>> = packageJson.scripts;
/** One after another; those of one line beside each other. */
const steps: Step[][] = [
  [{ name: "format and lint", run: () => script("lint") }],
  [{ name: "types", run: () => script("types") }],
  ifProvided("migrations have no drift", "migrations:check"),
  [{ name: "build", run: () => script("build") }],
  [{ name: "tests, both lanes", run: runTests }],
  [
    ...ifProvided("OpenAPI description", "openapi:check"),
    { name: "the compiled file alone", run: runCompiledFile },
    { name: "soak, one minute", run: runSoak },
  ],
];

/** What the present steps run; a signal to this process is meant for them. */
const children = new Set<Bun.Subprocess>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, async () => {
    for (const child of children) child.kill(signal);
    await Promise.all([...children].map(({ exited }) => exited));
    process.exit(1);
  });
}

process.exitCode = await main();

async function main(): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const take = async (step: Step) => {
    const startedAt = performance.now();
    const outcome = await step.run().catch((error): Outcome => ({ failed: 1, output: String(error) }));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    if (outcome.failed > 0 && outcome.output) print(outcome.output.trimEnd());
    print(`${outcome.failed > 0 ? "FAILED" : "ok    "}  ${step.name}  ${seconds} s`);
    total.passed += outcome.passed ?? 0;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped ?? 0;
  };
  for (const beside of steps) await Promise.all(beside.map(take));
  print(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function ifProvided(name: string, scriptName: string): Step[] {
  return scripts[scriptName] === undefined ? [] : [{ name, run: () => script(scriptName) }];
}

async function script(name: string): Promise<Outcome> {
  return await succeeds([process.execPath, "run", "--silent", name], projectFolder, process.env);
}

async function succeeds(
  command: string[],
  folder: string,
  environment: Record<string, string | undefined>,
): Promise<Outcome & { output: string }> {
  const run = Bun.spawn(command, {
    cwd: folder,
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: STEP_DEADLINE_MS,
    killSignal: "SIGKILL",
  });
  children.add(run);
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  children.delete(run);
  const ended = code === 0 ? "" : `\n${command.join(" ")} ended with exit code ${code}`;
  return { failed: code === 0 ? 0 : 1, output: `${Bun.stripANSI(out + err)}${ended}` };
}

/**
 * The very command of the README, shown while it runs; its closing line is what is counted. The Mini App's stories
 * and whatever else starts the program meet the compiled one, which the step before has made: it is what people run.
 */
async function runTests(): Promise<Outcome> {
  const run = Bun.spawn([process.execPath, "run", "--silent", "test"], {
    cwd: projectFolder,
    env: { ...process.env, ATELIER_PROGRAM: BUILT },
    stdin: "ignore",
  });
  children.add(run);
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of run.stdout) {
    process.stdout.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-CLOSING_LINE_CHARACTERS_MAX);
  }
  const code = await run.exited;
  children.delete(run);
  const closing = tail.trimEnd().split("\n").at(-1) ?? "";
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(closing) ?? [];
  const counted = { passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) };
  return code === 0 || counted.failed > 0 ? counted : { ...counted, failed: 1 };
}

/** The compiled file as an owner gets it: nothing but the file, in an empty folder, with an empty environment. */
async function runCompiledFile(): Promise<Outcome> {
  if (!existsSync(BUILT)) return { failed: 1, output: "There is no dist/atelier." };
  const folder = mkdtempSync(join(tmpdir(), "atelier-check-"));
  try {
    const program = join(folder, "atelier");
    await Bun.write(program, Bun.file(BUILT), { mode: 0o755 });
    // The one variable, so that nothing is left behind outside the folder.
    const environment = { ATELIER_CACHE_DIR: join(folder, "cache") };
    const version = await succeeds([program, "version"], folder, environment);
    if (version.failed > 0) return version;
    if (!version.output.includes(packageJson.version)) {
      return { failed: 1, output: `\`atelier version\` does not say ${packageJson.version}:\n${version.output}` };
    }
    const changed = await succeeds([program, "version"], folder, { ...environment, BUN_OPTIONS: "--smol" });
    if (changed.failed === 0) return { failed: 1, output: "The compiled file runs with BUN_OPTIONS set." };
    const demo = await succeeds([program, "demo", "--out", join(folder, "picture.jpg")], folder, environment);
    if (demo.failed > 0) return demo;
    const money = await succeeds([program, "demo", "--money"], folder, environment);
    if (money.failed > 0) return money;
    if (holdsPicture(folder)) return { failed: 0 };
    return { failed: 1, output: `\`atelier demo\` left no picture:\n${demo.output}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The short form of `bun run soak`. Its choices are the same each time, so that a change is judged by what it changed; what
 * meets what in time is the machine's, and other choices are made by hand.
 */
async function runSoak(): Promise<Outcome> {
  const environment = { ...process.env, ATELIER_PROGRAM: BUILT, SOAK_SEED: "1" };
  return await succeeds([process.execPath, "run", "--silent", "soak", "1"], projectFolder, environment);
}

function holdsPicture(folder: string): boolean {
  return [...new Glob("**/*.{jpg,jpeg,png,webp}").scanSync({ cwd: folder })].some((name) => {
    const bytes = readFileSync(join(folder, name));
    const start = bytes.subarray(0, 12).toString("latin1");
    const isPicture = start.startsWith("\xff\xd8\xff") || start.startsWith("\x89PNG") || /^RIFF.{4}WEBP$/s.test(start);
    return isPicture && bytes.byteLength >= PICTURE_BYTES_MIN;
  });
}
