import { join } from "node:path";
import { PANEL_STEPS } from "./panel-routes.ts";
import { maximum, median } from "./samples.ts";
import { openShop, settled } from "./shop.ts";
import { createStopwatch, slowestFirst, unmeasured } from "./stopwatch.ts";

/**
 * Every admin route over HTTP against the compiled program, with the history that the database at DATABASE_URL holds:
 *
 *   DATABASE_URL=postgres://… dist/atelier migrate
 *   DATABASE_URL=postgres://… dist/atelier seed --people 200000 --payments 300000 --generations 1000000
 *   DATABASE_URL=postgres://… ./bunw bench/panel.ts
 *
 * It changes what is there: use a database for nothing else. Prints a line for each route, the slowest first, and ends with 1
 * when a median is over the goal or a route of the description was not measured.
 */

const MEDIAN_MS_MAX = 100;
const PREFIX = "/api/v1/admin";

const shop = await openShop({
  ...(process.env as Record<string, string>),
  DATA_DIR: process.env.DATA_DIR ?? join(import.meta.dir, "results/panel-data"),
});
try {
  const ready = async () => ((await shop.owner.ask("GET", "/admin/overview")).days as unknown[]).length > 0;
  await settled(ready, "the figures of the days are counted");
  const all = createStopwatch();
  const watch = all.under(PREFIX);
  for (const measure of PANEL_STEPS) await measure({ ...shop, watch });
  const missing = await unmeasured(shop, all, `${PREFIX}/`);
  const lines = slowestFirst(all);
  const cell = (ms: number) => ms.toFixed(1).padStart(8);
  for (const { route, how, ms } of lines)
    process.stdout.write(
      `${cell(median(ms))} ms median ${cell(maximum(ms))} max  ${String(ms.length).padStart(3)} × ${route} ${how}\n`,
    );
  for (const route of missing) process.stdout.write(`not measured: ${route}\n`);
  if (missing.length > 0 || lines.some(({ ms }) => median(ms) > MEDIAN_MS_MAX)) process.exitCode = 1;
} finally {
  await shop.stop();
}
