import { expect, test } from "bun:test";
import { join } from "node:path";
import { violations } from "../support/invariants.ts";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";

const CHILD = join(import.meta.dir, "../support/flood-child.ts");
const CALLERS = 40;
/** The flood goes on until the picture is there; a worker that it kept from its work would wait for its end. */
const FLOOD_MS_MAX = 90_000;
const PICTURE_MS_MAX = within(7_000, 60_000);

test("H8 a flood of requests on fresh connections does not keep the worker and the scheduler from their work", async () => {
  const deployment = await deploy();
  await deployment.start("all");
  const person = await signInAt(deployment.url);
  await person.photos();
  const input = {
    url: `${deployment.url}/api/v1/generations`,
    token: person.token,
    callers: CALLERS,
    msMax: FLOOD_MS_MAX,
  };
  const flood = Bun.spawn([process.execPath, "--no-env-file", CHILD, JSON.stringify(input)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await Bun.sleep(1_000);

  const startedAt = performance.now();
  const generation = await person.ordered();
  expect(await person.ended(generation.id, PICTURE_MS_MAX)).toMatchObject({ status: "succeeded" });
  const ms = performance.now() - startedAt;
  expect(flood.exitCode).toBeNull();
  await flood.stdin.end();
  const outcomes = JSON.parse(await new Response(flood.stdout).text()) as Record<string, number>;
  process.stdout.write(`a fitting under ${JSON.stringify(outcomes)} answers took ${Math.round(ms)} ms\n`);
  expect(Object.keys(outcomes)).toEqual(["200"]);
  expect(ms).toBeLessThan(PICTURE_MS_MAX);
  expect(await deployment.inside((ctx) => violations(ctx, deployment.kie))).toEqual([]);
  await deployment.close();
}, 120_000);
