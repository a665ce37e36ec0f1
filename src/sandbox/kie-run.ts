import { randomInt } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { MINUTE_MS, SECOND_MS } from "../platform/clock.ts";
import { Refusal } from "../platform/errors.ts";
import type { Log } from "../platform/telemetry/log.ts";
import { KIE_MODELS } from "../providers/kie/wire.ts";
import type { Faults, Strike } from "./faults.ts";
import { type CallbackCounts, type CallbackPlan, deliverCallback } from "./kie-callback.ts";
import { CALLBACK_MODES, OUTCOMES, type Outcome } from "./kie-faults.ts";
import type { KieFiles } from "./kie-files.ts";
import { fetchInput, pictureType } from "./kie-inputs.ts";
import { makePicture, type PictureMaker } from "./kie-picture.ts";
import type { EmulatedTask, KieTasks } from "./kie-tasks.ts";
import { imagesOf } from "./kie-validate.ts";

export const RESULT_LIFETIME_MS = 20 * MINUTE_MS;
const INPUT_TIMEOUT_MS = 10 * SECOND_MS;
const SLOW_MS_DEFAULT = 10 * SECOND_MS;
/** The part of a task's time that it waits before the model begins. */
const WAITING_SHARE = 0.25;

export interface KieRunOptions {
  clock: Clock;
  log: Log;
  faults: Faults;
  tasks: KieTasks;
  files: KieFiles;
  filesUrl: string;
  images: PictureMaker;
  webhookKey: string | undefined;
  taskMs: number;
  callbackCounts: CallbackCounts;
  /** Aborted when the emulator stops: whatever runs is dropped. */
  stopped: AbortSignal;
}

type Ending = Parameters<KieTasks["finish"]>[1];

/** Starts a task in the background. The promise ends when its callback went out before the reply, if that was asked for. */
export async function startRun(task: EmulatedTask, options: KieRunOptions): Promise<void> {
  const plan = callbackPlan(task, options.faults.strike("kie.callback"));
  const run = runTask(task, plan, options).catch((error: unknown) => {
    options.log.error("the emulated task broke", { taskId: task.taskId, error });
  });
  if (plan.mode === "before_reply") await run;
}

async function runTask(task: EmulatedTask, plan: CallbackPlan, options: KieRunOptions): Promise<void> {
  const scripted = outcomeOf(task, options.faults.strike("kie.outcome"));
  const totalMs = options.faults.strike("kie.pace")?.delayMs ?? options.taskMs;
  const extraMs = scripted?.outcome === "slow" ? (scripted.delayMs ?? SLOW_MS_DEFAULT) : 0;
  await pause(totalMs * WAITING_SHARE, options.stopped);
  task.state = "generating";
  if (scripted?.outcome === "never") return;
  const [ending] = await Promise.all([
    endingOf(task, scripted?.outcome, options).catch((error: unknown) => {
      options.log.error("the emulated model broke", { taskId: task.taskId, error });
      return failed(INTERNAL_ERROR);
    }),
    pause(totalMs * (1 - WAITING_SHARE) + extraMs, options.stopped),
  ]);
  if (options.stopped.aborted) return;
  options.tasks.finish(task, ending);
  await deliverCallback(task, plan, {
    clock: options.clock,
    webhookKey: options.webhookKey,
    counts: options.callbackCounts,
  });
}

const INTERNAL_ERROR = ["500", "Internal Error, Please try again later."] as const;

/** The failures in the words that were seen, and the class of each in its name. */
const FAILURES: Partial<Record<Outcome, readonly [failCode: string, failMsg: string]>> = {
  moderated: ["422", "The input or output was flagged as sensitive. Please try again with different inputs."],
  content_policy: ["422", "CONTENT_POLICY_BLOCKED: the request was blocked."],
  content_400: ["400", "The content could not be processed because it may violate content policies."],
  prohibited: ["422", "Invalid prompt: prompt contains prohibited content"],
  filtered: [
    "500",
    "No images found in AI response. The image was filtered out because it violated Google's Generative AI Prohibited Use policy.",
  ],
  transient: INTERNAL_ERROR,
  refused: [
    "500",
    "Gemini could not generate an image with the given prompt. Please try again with a different prompt.",
  ],
  input_unreachable: ["400", "Image fetch failed. Check access settings or use our File Upload API instead."],
  upstream_timeout: ["408", "The upstream gave no answer for 10 minutes."],
};

async function endingOf(task: EmulatedTask, outcome: Outcome | undefined, options: KieRunOptions): Promise<Ending> {
  const failure = outcome === undefined ? undefined : FAILURES[outcome];
  if (failure !== undefined) return failed(failure);
  if (outcome === "no_urls") return { state: "success" };
  if (outcome === "empty_result") return { state: "success", resultIsEmpty: true };
  if (outcome === "foreign_result") return { state: "success", resultUrls: ["https://attacker.example/p/x.png"] };
  if (outcome === "private_result")
    return { state: "success", resultUrls: ["http://169.254.169.254/latest/meta-data/"] };
  const url = await generate(task, options);
  if (url === undefined) return failed(FAILURES.input_unreachable ?? ["400", ""]);
  const cost = outcome === "bad_cost" ? -4 : outcome === "nan_cost" ? "NaN" : undefined;
  return { state: "success", resultUrls: [url], creditsConsumed: cost };
}

/** The link of the finished picture; undefined when an input could not be fetched or is no picture. */
async function generate(task: EmulatedTask, options: KieRunOptions): Promise<string | undefined> {
  const model = KIE_MODELS[task.body.model];
  if (model === undefined) return undefined;
  const limits = { bytesMax: model.imageBytesMax, timeoutMs: INPUT_TIMEOUT_MS };
  const inputs = await Promise.all(imagesOf(model, task.body.input).map((url) => fetchInput(url, limits)));
  const pictures = inputs.filter((bytes) => bytes !== undefined && pictureType(bytes) !== undefined);
  if (pictures.length < inputs.length) return undefined;
  const picture = await drawn(
    task,
    pictures.filter((bytes) => bytes !== undefined),
    options,
  );
  if (picture === undefined) return undefined;
  const path = `/p/${task.taskId}_1_${Math.floor(options.clock.now().getTime() / 1_000)}_${randomInt(1_000, 10_000)}.png`;
  options.files.put(path, picture, "image/png", RESULT_LIFETIME_MS);
  return options.filesUrl + path;
}

/** undefined for an input that begins like a picture and is none. */
async function drawn(
  task: EmulatedTask,
  pictures: Uint8Array[],
  options: KieRunOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await makePicture(options.images, task.prompt, pictures);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function failed([failCode, failMsg]: readonly [string, string]): Ending {
  return { state: "fail", failCode, failMsg };
}

/** A marker in the prompt speaks for its own task alone and goes before the switch. */
function outcomeOf(
  task: EmulatedTask,
  strike: Strike | undefined,
): { outcome: Outcome; delayMs: number | undefined } | undefined {
  const outcome = OUTCOMES.find((one) => task.markers.includes(one)) ?? OUTCOMES.find((one) => one === strike?.mode);
  return outcome === undefined ? undefined : { outcome, delayMs: strike?.delayMs };
}

function callbackPlan(task: EmulatedTask, strike: Strike | undefined): CallbackPlan {
  const marked = CALLBACK_MODES.find((mode) => task.markers.includes(`callback_${mode}`));
  return { mode: marked ?? CALLBACK_MODES.find((mode) => mode === strike?.mode), delayMs: strike?.delayMs };
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener("abort", end);
  });
}
