import { afterAll, afterEach, beforeAll } from "bun:test";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { fetchResult } from "../../src/providers/fetch-result.ts";
import { createKieClient, type KieClient, type KieClientOptions } from "../../src/providers/kie/client.ts";
import type { KieTask } from "../../src/providers/kie/task.ts";
import { type KieEmulator, type KieEmulatorOptions, startKieEmulator } from "../../src/sandbox/kie.ts";
import type { PictureMaker } from "../../src/sandbox/kie-picture.ts";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import { until } from "../support/until.ts";

export const PERSON = plainPng(64, 96, [200, 160, 140]);
export const ITEM = plainPng(64, 64, [20, 40, 200]);
export const MODEL = "google/nano-banana-edit";
/** How long a task takes here: long enough to be seen running. */
export const TASK_MS = 60;
/** Nothing that answers is given up however busy the machine is. */
const ANSWER_MS_MAX = 10_000;
/** For a client that meets what never answers: long enough that what it sends has arrived. */
export const HASTY = { createMs: 700, queryMs: 700, uploadMs: 700 };
/** For a task that is to be seen waiting and in work: a quarter of it and the rest. */
export const UNHURRIED = { mode: "pace", delayMs: 3_000, times: 1 };

/** Draws nothing and remembers what it was asked; the real drawing has tests of its own. */
export function recordingMaker(): PictureMaker & { orders: unknown[] } {
  const orders: unknown[] = [];
  return {
    orders,
    async composeOnto(order) {
      orders.push({ box: order.box, label: order.label, item: order.item });
      return order.base;
    },
    async adjust(base, operations, label) {
      orders.push({ operations, label });
      return base;
    },
  };
}

export interface KieLane {
  emulator: KieEmulator;
  client: KieClient;
  /** A client with other options against the same emulator. */
  clientWith(options: Partial<KieClientOptions>): KieClient;
  /** Links of the person and of the item, uploaded. */
  inputs(): Promise<string[]>;
  /** Creates a task and polls until it has ended. */
  run(prompt: string, imageUrls?: string[]): Promise<KieTask>;
  untilEnded(taskId: string): Promise<KieTask>;
}

/** The real client against the emulator, over HTTP. */
export async function startKieLane(options: Partial<KieEmulatorOptions> = {}): Promise<KieLane> {
  const emulator = await startKieEmulator({ images: recordingMaker(), taskMs: TASK_MS, ...options });
  // Most tests are not about the limits of the account.
  emulator.faults.set("kie.limits", { mode: "off" });
  const clientWith = (more: Partial<KieClientOptions>): KieClient =>
    createKieClient({
      apiUrl: emulator.url,
      uploadUrl: emulator.uploadUrl,
      apiKey: emulator.apiKey,
      model: MODEL,
      log: silentLog,
      loopbackAllowed: true,
      timeouts: { createMs: ANSWER_MS_MAX, queryMs: ANSWER_MS_MAX, uploadMs: ANSWER_MS_MAX },
      sleep: async () => {},
      ...more,
    });
  // Tests ask more often than a product may, each at its own pace.
  emulator.faults.set("kie.limits", { mode: "off" });
  const client = clientWith({});
  const lane: KieLane = {
    emulator,
    client,
    clientWith,
    inputs: () =>
      Promise.all([PERSON, ITEM].map(async (bytes) => (await client.uploadImage({ bytes, mime: "image/png" })).url)),
    async run(prompt, imageUrls) {
      const { taskId } = await client.createTask({ prompt, imageUrls: imageUrls ?? (await lane.inputs()) });
      return lane.untilEnded(taskId);
    },
    async untilEnded(taskId) {
      let task = await client.getTask(taskId);
      await until(async () => {
        task = await client.getTask(taskId);
        return task.state !== "pending" && task.state !== "not_found_yet";
      }, "the task ends");
      return task;
    },
  };
  return lane;
}

const CREDITS = 1_000;

/** A lane for all tests of the file that calls this, without a fault and with the same credits before each of them. */
export function useKieLane(options: Partial<KieEmulatorOptions> = {}): () => KieLane {
  let lane: KieLane | undefined;
  beforeAll(async () => {
    lane = await startKieLane({ credits: CREDITS, ...options });
  });
  afterEach(() => {
    lane?.emulator.faults.clear();
    lane?.emulator.faults.set("kie.limits", { mode: "off" });
    lane?.emulator.setCredits(CREDITS);
  });
  afterAll(() => lane?.emulator.stop());
  return () => {
    if (!lane) throw new Error("the lane is there only while tests run");
    return lane;
  };
}

/** A call to the API as anybody could make it, with the key. */
export async function rawCall(
  { emulator }: KieLane,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${emulator.apiKey}`, "content-type": "application/json", ...init.headers };
  const response = await fetch(emulator.url + path, { ...init, headers, keepalive: false });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Fetches a result as the product does. */
export function download(
  { emulator }: KieLane,
  url: string,
  { bytesMax = 1_000_000, timeoutMs = ANSWER_MS_MAX } = {},
): Promise<Uint8Array> {
  return fetchResult(url, { hosts: [emulator.resultHost], loopbackAllowed: true, bytesMax, timeoutMs });
}

/** The failure of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<ProviderFailure> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(error)}`);
  return error;
}
