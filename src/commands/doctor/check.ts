import type { OpenContext } from "../../context.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import type { CheckedSettings } from "../../platform/config/load.ts";
import type { SettingName } from "../../platform/config/settings.ts";

/** `warning`: works, and somebody should look at it. `failed`: something does not work until somebody does. */
export type Status = "ok" | "warning" | "failed";

/** What a check found: a sentence, and where it is not well, what to do. */
export interface Finding {
  status: Status;
  text: string;
  /** Further lines below the sentence. */
  lines?: readonly string[];
}

export interface DoctorCheck {
  name: string;
  /** Settings without which the check would look at something else than the server uses. */
  needs?: readonly SettingName[];
  timeoutMs?: number;
  run(patient: Patient): Promise<Finding>;
}

/** What all checks look at. */
export interface Patient {
  checked: CheckedSettings;
  /** The database and everything wired to it; throws `NotExamined` where it is not there or does not answer. */
  open(): Promise<OpenContext>;
  /** The same, for checks that read tables: throws `NotExamined` while the schema is not there. */
  openWithSchema(): Promise<OpenContext>;
}

/** What `--json` shows of a check. Programs read it: members may be added, and none changes or goes. */
export interface CheckResult extends Required<Finding> {
  name: string;
  /** How long it took, in whole ms. */
  ms: number;
}

/** Says that something could not be looked at, because of a fault that another check reports. */
export class NotExamined extends Error {
  override readonly name = "NotExamined";
  /** What the check that is about that very fault reports. */
  readonly finding: Finding;

  constructor(message: string, finding: Finding) {
    super(message);
    this.finding = finding;
  }
}

const TIMEOUT_MS = 10 * SECOND_MS;

/** Runs one check. Whatever happens in it becomes a finding, within its time. */
export async function runCheck(check: DoctorCheck, patient: Patient): Promise<CheckResult> {
  const startedAt = performance.now();
  const { status, text, lines = [] } = await findingOf(check, patient);
  return { name: check.name, status, text, lines, ms: Math.round(performance.now() - startedAt) };
}

async function findingOf(check: DoctorCheck, patient: Patient): Promise<Finding> {
  const wrong = patient.checked.faults.filter((fault) => fault.name !== null && check.needs?.includes(fault.name));
  if (wrong.length > 0) {
    const names = [...new Set(wrong.map((fault) => fault.name))].join(", ");
    return { status: "warning", text: `Not looked at, because ${names} needs attention first (see settings).` };
  }
  const timeoutMs = check.timeoutMs ?? TIMEOUT_MS;
  let timer: Timer | undefined;
  const late = new Promise<Finding>((resolve) => {
    const finding: Finding = { status: "failed", text: `Gave no answer within ${timeoutMs / SECOND_MS} seconds.` };
    timer = setTimeout(() => resolve(finding), timeoutMs);
  });
  try {
    return await Promise.race([check.run(patient), late]);
  } catch (error) {
    if (error instanceof NotExamined) return { status: "warning", text: `Not looked at: ${error.message}` };
    return { status: "failed", text: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

export function ok(text: string, lines: readonly string[] = []): Finding {
  return { status: "ok", text, lines };
}

export function warning(text: string, lines: readonly string[] = []): Finding {
  return { status: "warning", text, lines };
}

export function failed(text: string, lines: readonly string[] = []): Finding {
  return { status: "failed", text, lines };
}
