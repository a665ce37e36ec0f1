import { expect, test } from "bun:test";
import type { KieStats } from "../../src/sandbox/kie.ts";
import { doubleCreates } from "../support/invariants.ts";

type Task = KieStats["tasks"][number];

const [FIRST, SECOND] = ["0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c"];

function task(attempt: string | undefined, createdS: number, end?: { state: "success" | "fail"; atS: number }): Task {
  const moment = (second: number) => new Date(second * 1_000).toISOString();
  return {
    taskId: `task-${createdS}`,
    callBackUrl: `http://127.0.0.1:9/api/v1/kie/callback/${attempt}.mac`,
    promptHash: "",
    state: end?.state ?? "generating",
    createdAt: moment(createdS),
    completedAt: end === undefined ? null : moment(end.atS),
    failMsg: "",
    requestId: null,
    credits: 4,
    markers: [],
  };
}

const rows: [what: string, tasks: Task[], faults: number][] = [
  ["no task", [], 0],
  ["one that succeeded", [task(FIRST, 1, { state: "success", atS: 5 })], 0],
  ["one that never ends", [task(FIRST, 1)], 0],
  ["a second one after the first had failed", [task(FIRST, 1, { state: "fail", atS: 5 }), task(SECOND, 6)], 0],
  ["two of one attempt", [task(FIRST, 1, { state: "fail", atS: 5 }), task(FIRST, 6)], 1],
  ["a second one beside one that runs", [task(FIRST, 1), task(SECOND, 6)], 1],
  ["a second one after a success", [task(FIRST, 1, { state: "success", atS: 5 }), task(SECOND, 6)], 1],
  ["a second one before the first failed", [task(FIRST, 1, { state: "fail", atS: 9 }), task(SECOND, 6)], 1],
  ["two of one attempt at once", [task(FIRST, 1), task(FIRST, 1)], 2],
];

for (const [what, tasks, faults] of rows) {
  test(`J2 ${what}: ${faults === 0 ? "no double create" : "a double create is found"}`, () => {
    expect(doubleCreates(tasks)).toHaveLength(faults);
  });
}
