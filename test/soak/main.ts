import { randomInt } from "node:crypto";
import { type SoakReport, soak } from "./soak.ts";
import { openStage } from "./stage.ts";
import type { Tally } from "./tally.ts";

/**
 * `bun run soak [minutes]`: everything at once for a while, then every book against every other. Ends with 1 when there is
 * a difference. `SOAK_SEED` takes the choices of an earlier run again; what falls into which moment is the machine's.
 */
const MINUTES_DEFAULT = 20;
const SHOWN_DIFFERENCES_MAX = 200;

const minutes = Number(process.argv[2] ?? MINUTES_DEFAULT);
if (!(minutes > 0) || minutes > 24 * 60) {
  process.stderr.write("Usage: bun run soak [minutes]\n");
  process.exit(2);
}
const seed = process.env.SOAK_SEED === undefined ? randomInt(1_000_000) : Number(process.env.SOAK_SEED);
const print = (line: string) => process.stdout.write(`${line}\n`);

print(`soak: ${minutes} min, SOAK_SEED=${seed}`);
const stage = await openStage();
const startedAt = performance.now();
try {
  const report = await soak(stage, { ms: minutes * 60_000, seed });
  show(report);
  process.exitCode = report.differences.length === 0 ? 0 : 1;
} catch (error) {
  print(`soak broke off (SOAK_SEED=${seed}): ${error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = 1;
} finally {
  await stage.close();
}
process.exit();

function show({ happened, faults, errors, facts, differences }: SoakReport): void {
  section("what happened", happened);
  section("faults that struck", faults);
  section("errors in the logs", errors);
  print("\nfacts");
  for (const [name, count] of Object.entries(facts)) print(`${String(count).padStart(8)}  ${name}`);
  print(
    `\n${differences.length} differences after ${Math.round((performance.now() - startedAt) / 1_000)} s (SOAK_SEED=${seed})`,
  );
  for (const one of differences.slice(0, SHOWN_DIFFERENCES_MAX)) print(`  - ${one}`);
}

function section(title: string, tally: Tally): void {
  print(`\n${title}`);
  for (const line of tally.lines()) print(line);
}
