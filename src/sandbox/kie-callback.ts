import type { Clock } from "../platform/clock.ts";
import { MINUTE_MS, SECOND_MS } from "../platform/clock.ts";
import { kieSignature, SIGNATURE_HEADER, TIMESTAMP_HEADER } from "../providers/kie/wire.ts";
import type { CallbackMode } from "./kie-faults.ts";
import { recordOf } from "./kie-record.ts";
import type { EmulatedTask } from "./kie-tasks.ts";

export const CALLBACK_TIMEOUT_MS = 15 * SECOND_MS;
const LATE_MS_DEFAULT = 2 * SECOND_MS;
const STALE_MS = 60 * MINUTE_MS;

export interface CallbackCounts {
  sent: number;
  /** Answered with 2xx in time. */
  taken: number;
  failed: number;
}

export interface CallbackPlan {
  mode: CallbackMode | undefined;
  delayMs: number | undefined;
}

/** Posts the end of a task to where its maker asked for it. No second try, as none is documented. */
export async function deliverCallback(
  task: EmulatedTask,
  plan: CallbackPlan,
  options: { clock: Clock; webhookKey: string | undefined; counts: CallbackCounts },
): Promise<void> {
  const url = task.body.callBackUrl;
  if (url === undefined || plan.mode === "missing") return;
  if (plan.mode === "late") await Bun.sleep(plan.delayMs ?? LATE_MS_DEFAULT);
  const body = JSON.stringify(callbackBody(task, plan.mode));
  const headers = signatureHeaders(task.taskId, plan.mode, options);
  for (let copy = 0; copy < (plan.mode === "duplicate" ? 2 : 1); copy += 1) {
    options.counts.sent += 1;
    if (await post(url, headers, body)) options.counts.taken += 1;
    else options.counts.failed += 1;
  }
}

function callbackBody(task: EmulatedTask, mode: CallbackMode | undefined): unknown {
  const succeeded = task.state === "success";
  const code = succeeded ? 200 : 501;
  if (mode === "signature_page") {
    // The page about signatures shows another shape than the one about tasks.
    const data = { task_id: task.taskId, callbackType: "task_completed" };
    return { taskId: task.taskId, code, msg: succeeded ? "Success" : "Failed", data };
  }
  const data = { ...recordOf(task, "september"), ...(succeeded ? {} : { resultJson: null }) };
  if (mode === "other_urls") {
    const resultUrls = ["https://attacker.example/p.png"];
    Object.assign(data, { state: "success", resultJson: JSON.stringify({ resultUrls }), response: { resultUrls } });
  }
  return { code, msg: succeeded ? "Playground task completed successfully." : "Playground task failed.", data };
}

function signatureHeaders(
  taskId: string,
  mode: CallbackMode | undefined,
  options: { clock: Clock; webhookKey: string | undefined },
): Record<string, string> {
  if (options.webhookKey === undefined || mode === "unsigned") return {};
  const signedAtMs = options.clock.now().getTime() - (mode === "stale_timestamp" ? STALE_MS : 0);
  const timestamp = String(Math.floor(signedAtMs / 1_000));
  const key = mode === "wrong_signature" ? `${options.webhookKey}, but another` : options.webhookKey;
  return { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: kieSignature(key, taskId, timestamp) };
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "kie-emulator/1.0",
        connection: "close",
        ...headers,
      },
      body,
      keepalive: false,
      redirect: "manual",
      signal: AbortSignal.timeout(CALLBACK_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
