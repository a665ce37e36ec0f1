import { describe, expect, test } from "bun:test";
import type { GenerationView } from "../../src/features/generations/index.ts";
import { recentAlerts } from "../../src/features/notifications/index.ts";
import { CALLBACK_MODES } from "../../src/sandbox/kie-faults.ts";
import { violations } from "../support/invariants.ts";
import { useDeployment } from "../support/processes.ts";
import { type RemotePerson, signInAt } from "../support/remote-person.ts";
import { until } from "../support/until.ts";

const WEBHOOK_KEY = "test-webhook-key-of-the-emulated-provider";
const deployment = useDeployment({
  settings: { KIE_WEBHOOK_KEY: WEBHOOK_KEY, FREE_ACTIONS_PER_MONTH: "100", ACTIVE_GENERATIONS_MAX: "50" },
  kie: { webhookKey: WEBHOOK_KEY },
});

/** Lets a fault strike the create of one order, whichever of several orders comes first. */
async function orderedUnder(person: RemotePerson, mode: string): Promise<GenerationView> {
  const struck = () => deployment().kie.stats().creates.disturbed[mode] ?? 0;
  const before = struck();
  deployment().kie.faults.set("kie.create", { mode, times: 1 });
  const generation = await person.ordered();
  await until(() => struck() > before, `${mode} has struck`);
  return generation;
}

/** How each of the generations ended: `succeeded`, or the code of its failure. */
async function endsOf(person: RemotePerson, generations: readonly GenerationView[]): Promise<string[]> {
  const ended = await Promise.all(generations.map(({ id }) => person.ended(id, 40_000)));
  return ended.map(({ status, error }) => error?.code ?? status);
}

function soundness(): Promise<string[]> {
  return deployment().inside((ctx) => violations(ctx, deployment().kie));
}

describe("F9 what breaks on the way to the provider and back", () => {
  for (const mode of ["reset", "half_body", "edge_502", "delay"]) {
    test(`${mode}: uploads, questions and downloads are repeated, and the picture is made with one create`, async () => {
      const { faults } = deployment().kie;
      for (const call of ["kie.upload", "kie.query", "kie.result"]) faults.set(call, { mode, times: 1 });
      const person = await signInAt(deployment().url);
      expect(await endsOf(person, [await person.ordered()])).toEqual(["succeeded"]);
      expect(Object.keys(faults.active())).toEqual([]);
      expect(await soundness()).toEqual([]);
    }, 120_000);
  }

  test("J2 creates that were carried out and whose answer was lost succeed by their callback, with one create each", async () => {
    const person = await signInAt(deployment().url);
    const generations: GenerationView[] = [];
    for (const mode of ["executed_reset", "half_body", "executed_edge_502", "no_task_id"]) {
      generations.push(await orderedUnder(person, mode));
    }
    expect(await endsOf(person, generations)).toEqual(Array(4).fill("succeeded"));
    expect(await soundness()).toEqual([]);
    expect(await person.balance()).toMatchObject({ reserved: 0, free_actions: { used: 4 } });
  }, 120_000);
});

describe("what callbacks can do", () => {
  test("J4 J7 early, doubled, missing, unsigned, forged and lying ones: the task itself is asked, each picture comes once", async () => {
    const person = await signInAt(deployment().url);
    const modes = CALLBACK_MODES.filter((mode) => mode !== "late");
    const generations = await Promise.all(modes.map((mode) => person.ordered(`sandbox:callback_${mode}`)));
    expect(await endsOf(person, generations)).toEqual(modes.map(() => "succeeded"));
    const pictures = await Promise.all(
      generations.map(async ({ id }) => fetch((await person.look(id)).image_url ?? "")),
    );
    expect(pictures.map((picture) => picture.headers.get("content-type"))).toEqual(modes.map(() => "image/jpeg"));
    for (const mode of modes) expect(deployment().kie.stats().markers[`callback_${mode}`]).toBe(1);
    // The unsigned one and those with a wrong signature or time were turned away.
    expect(deployment().kie.stats().callbacks.failed).toBe(3);
    expect(await soundness()).toEqual([]);
  }, 120_000);

  test("J4 one that comes after the end is taken politely and changes nothing", async () => {
    const person = await signInAt(deployment().url);
    const { taken } = deployment().kie.stats().callbacks;
    deployment().kie.faults.set("kie.callback", { mode: "late", delayMs: 5_000, times: 1 });
    const generation = await person.ordered();
    expect(await endsOf(person, [generation])).toEqual(["succeeded"]);
    const [before, eventsBefore] = [await person.look(generation.id), await person.answer(200, "/live/events?since=0")];
    await until(() => deployment().kie.stats().callbacks.taken === taken + 1, "the callback has come");
    // Links carry the moment at which they were made.
    const { image_url, preview_url, user_photo_url, item_photo_url, ...lasting } = before;
    expect(await person.look(generation.id)).toMatchObject(lasting);
    expect(await person.answer<unknown>(200, "/live/events?since=0")).toEqual(eventsBefore);
    expect(await soundness()).toEqual([]);
  }, 120_000);
});

describe("J6 what the provider refuses in the body of an HTTP 200", () => {
  test("for good: the generation ends, nothing is charged, and the owner hears of what needs them", async () => {
    const person = await signInAt(deployment().url);
    const modes = ["code_402", "code_422", "code_433", "code_505", "code_500_credits", "code_500_parameter"];
    const generations: GenerationView[] = [];
    const since = new Date();
    for (const mode of modes) generations.push(await orderedUnder(person, mode));
    expect(await endsOf(person, generations)).toEqual([
      "provider_unavailable",
      "internal_error",
      "provider_unavailable",
      "internal_error",
      "provider_unavailable",
      "internal_error",
    ]);
    const alerts = await deployment().inside((ctx) => recentAlerts(ctx, since));
    expect(new Set(alerts.map(({ reason }) => reason))).toEqual(new Set(["kie_out_of_funds", "kie_rejected_request"]));
    expect(await person.balance()).toMatchObject({ reserved: 0, free_actions: { used: 0 } });
    expect(await soundness()).toEqual([]);
  }, 120_000);

  test("for now: it is tried again and the picture is made with one create", async () => {
    const person = await signInAt(deployment().url);
    expect(await endsOf(person, [await person.ordered()])).toEqual(["succeeded"]);
    const generations: GenerationView[] = [];
    for (const mode of ["code_455", "code_500", "code_501", "code_451"])
      generations.push(await orderedUnder(person, mode));
    expect(await endsOf(person, generations)).toEqual(Array(4).fill("succeeded"));
    expect(await person.balance()).toMatchObject({ reserved: 0, free_actions: { used: 5 } });
    expect(await soundness()).toEqual([]);
  }, 120_000);

  test("of an upload: for good it ends the generation and the owner hears of it, for now it is repeated", async () => {
    const person = await signInAt(deployment().url);
    const ends: string[] = [];
    const since = new Date();
    for (const mode of ["code_401", "code_500_file_type", "code_500", "code_455"]) {
      deployment().kie.faults.set("kie.upload", { mode, times: 1 });
      ends.push(...(await endsOf(person, [await person.ordered()])));
    }
    expect(ends).toEqual(["provider_unavailable", "internal_error", "succeeded", "succeeded"]);
    const alerts = await deployment().inside((ctx) => recentAlerts(ctx, since));
    expect(alerts.map(({ reason }) => reason)).toEqual(["kie_rejected_upload", "kie_unauthorized"]);
    expect(await soundness()).toEqual([]);
  }, 120_000);
});

test("J9 a result on a foreign host or on an address inside our network is not fetched; nothing is charged", async () => {
  const person = await signInAt(deployment().url);
  const generations = [await person.ordered("sandbox:foreign_result"), await person.ordered("sandbox:private_result")];
  expect(await endsOf(person, generations)).toEqual(["result_unreadable", "result_unreadable"]);
  deployment().kie.faults.set("kie.result", { mode: "redirect_private", times: 1 });
  expect(await endsOf(person, [await person.ordered()])).toEqual(["result_unreadable"]);
  expect(await person.balance()).toMatchObject({ reserved: 0, free_actions: { used: 0 } });
  expect(await soundness()).toEqual([]);
}, 120_000);
