import { expect, test } from "bun:test";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { until } from "../support/until.ts";
import { runProgram, settingsOf } from "./program.ts";

// The commands use the machine's clock, so the product beside them does too.
const app = await startTestApp({ clock: createTestClock(new Date()) });
// On Postgres the server hears of the switch; on SQLite it looks again within seconds.
await app.listen();

const run = (...words: string[]) => runProgram(["maintenance", ...words], { environment: settingsOf(app.database) });

const maintenance = async () =>
  ((await (await app.request("/status")).json()) as { maintenance: { notice: string | null } | null }).maintenance;

test("atelier maintenance switches a running server off and on, and tells how it stands", async () => {
  expect(await maintenance()).toBeNull();
  expect(await run("status")).toMatchObject({ code: 0, out: "Maintenance is off: new pictures are taken.\n" });
  const switched = await run("on", "--reason", "moving house", "--text-en", "Back at noon.");
  expect([switched.code, switched.err]).toEqual([0, expect.not.stringContaining("Error")]);
  await until(async () => (await maintenance()) !== null, "the server feels the switch");
  expect((await maintenance())?.notice).toBe("Back at noon.");

  const status = await run("status");
  expect(status.out).toMatch(/^Maintenance is on since 20\d\d-.* UTC, by command: moving house\. .*maintenance off\n$/);
  expect(JSON.parse((await run("status", "--json")).out)).toMatchObject({
    on: true,
    by: "switch",
    reason: "moving house",
    changed_by: "command",
    notice: { ru: null, en: "Back at noon." },
  });
  const doctor = await runProgram(["doctor", "--json"], { environment: settingsOf(app.database) });
  const { checks } = JSON.parse(doctor.out) as { checks: { name: string; status: string; text: string }[] };
  expect(checks.find(({ name }) => name === "maintenance")).toMatchObject({
    status: "warning",
    text: expect.stringContaining("moving house"),
  });

  expect(await run("off")).toMatchObject({ code: 0, out: "Maintenance is off: new pictures are taken.\n" });
  await until(async () => (await maintenance()) === null, "the server feels its end");
}, 60_000);

test("it asks for a reason, and takes no word too many", async () => {
  const nothing = await run("on");
  expect([nothing.code, nothing.out]).toEqual([2, ""]);
  expect(nothing.err).toContain("--reason is missing");
  expect((await run("on", "--reason", "  ")).code).toBe(2);
  expect((await run("on", "--reason", "x", "--text-ru", "x".repeat(501))).err).toContain("at most 500 characters");
  expect((await run("off", "now")).code).toBe(2);
  expect(await maintenance()).toBeNull();
}, 60_000);
