import { expect, test } from "bun:test";
import { OperatorError } from "../../src/platform/errors.ts";
import { startWorkerRole } from "../../src/roles/worker.ts";
import { startTestApp } from "../support/app.ts";
import { realClock } from "../support/clock.ts";

const SENTENCE = "There is no folder for native files. Set ATELIER_CACHE_DIR to another one.";

test("a worker that cannot work on pictures says so at its start, and starts all the same", async () => {
  const app = await startTestApp({ clock: realClock });
  const said = () => app.logLines.filter((line) => line.includes("pictures cannot be worked on"));
  const good = await startWorkerRole(app.ctx);
  await good.stop();
  expect(said()).toEqual([]);

  const prove = () => Promise.reject(new OperatorError(SENTENCE));
  const bad = await startWorkerRole({ ...app.ctx, images: { ...app.ctx.images, prove } });
  await bad.stop();
  expect(said()).toHaveLength(1);
  expect(said()[0]).toContain(SENTENCE);
});
