import type { Strike } from "./faults.ts";
import type { KieAnswers } from "./kie-answers.ts";
import { type KieRefusal, REFUSALS } from "./kie-faults.ts";
import { type RecordShape, recordOf } from "./kie-record.ts";
import type { KieRunOptions } from "./kie-run.ts";
import type { EmulatedTask } from "./kie-tasks.ts";

const NOT_FOUND: KieRefusal = { code: 422, msg: "recordInfo is null" };

type Needs = Pick<KieRunOptions, "faults" | "tasks" | "filesUrl"> & { answers: KieAnswers };

/** `recordInfo`: the task as it stands, or that there is none (yet). */
export function carryOutQuery(request: Request, strike: Strike | undefined, options: Needs): Response {
  const { faults, tasks, answers } = options;
  if (faults.strike("kie.limits") === undefined && !tasks.admitQuery()) return answers.refuse(REFUSALS["429"]);
  const taskId = new URL(request.url).searchParams.get("taskId") ?? "";
  if (taskId === "") return answers.refuse({ code: 400, msg: "taskId parameter is required" });
  const task = tasks.find(taskId);
  if (task === undefined || task.hiddenUntilMs > Date.now()) return answers.refuse(NOT_FOUND);
  return answers.success(shownRecord(task, strike?.mode, options));
}

/** The two modes that only `recordInfo` has and that need no task. */
export function specialQueryAnswer(mode: string, answers: KieAnswers): Response | undefined {
  if (mode === "record_null") return answers.refuse(NOT_FOUND);
  if (mode === "http_404_task") return answers.refuse({ code: 404, msg: "Task not found" }, { mirrored: true });
  return undefined;
}

/** `chat/credit`: a bare number. */
export function carryOutCredit(strike: Strike | undefined, { faults, tasks, answers }: Needs): Response {
  if (strike?.mode === "negative") return answers.success(-12.5);
  if (strike?.mode === "not_a_number") return answers.success("NaN");
  return answers.success(faults.strike("kie.account") === undefined ? tasks.balance : 0);
}

/** `common/download-url`: for links of our own results only. */
export async function carryOutDownloadUrl(request: Request, { filesUrl, answers }: Needs): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const url = typeof body === "object" && body !== null && "url" in body ? body.url : undefined;
  if (typeof url !== "string" || !url.startsWith(`${filesUrl}/p/`)) {
    return answers.refuse({ code: 422, msg: "url is wrong" });
  }
  return answers.success(url);
}

function shownRecord(task: EmulatedTask, mode: string | undefined, { faults }: Needs): unknown {
  const shape = (faults.strike("kie.shape")?.mode ?? "september") as RecordShape;
  const record = recordOf(task, shape);
  const running = task.state === "waiting" || task.state === "generating";
  if (running && mode === "queuing") return { ...record, state: "queuing" };
  if (running && mode === "unknown_state") return { ...record, state: "polishing" };
  return record;
}
