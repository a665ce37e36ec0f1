import { describe, expect, test } from "bun:test";
import { callbackTaskId, SIGNATURE_WINDOW_MS, verifyKieSignature } from "../../src/providers/kie/callback.ts";
import { readTask } from "../../src/providers/kie/task.ts";
import { kieSignature } from "../../src/providers/kie/wire.ts";

const URLS = ["https://tempfile.aiquickdraw.com/p/x.png"];
const RESULT_JSON = JSON.stringify({ resultUrls: URLS });

describe("a task's record", () => {
  test("J5 each documented state, and one that nobody documented", () => {
    const states = ["waiting", "queuing", "generating", "success", "fail", "polishing", ""];
    const read = states.map((state) => readTask({ state, resultJson: RESULT_JSON })?.task.state);
    expect(read).toEqual(["pending", "pending", "pending", "succeeded", "failed", "pending", "pending"]);
  });

  test("J5 the shape of April: results only as JSON text, no cost", () => {
    const record = { state: "success", resultJson: RESULT_JSON, failCode: null, failMsg: null, costTime: 9 };
    expect(readTask(record)).toEqual({ task: { state: "succeeded", rawState: "success", resultUrls: URLS } });
  });

  test("J5 the shape of September: results parsed already, and a cost", () => {
    const record = { state: "success", resultJson: "", response: { resultUrls: URLS }, creditsConsumed: 4.5 };
    const expected = { state: "succeeded", rawState: "success", resultUrls: URLS, creditsConsumed: 4.5 } as const;
    expect(readTask(record)?.task).toEqual(expected);
  });

  test("J5 the shape of the documentation: empty texts for null, and the cost under its name of 2025", () => {
    const record = { state: "success", resultJson: { resultUrls: URLS }, failCode: "", failMsg: "", consumeCredits: 4 };
    expect(readTask(record)?.task).toMatchObject({ state: "succeeded", resultUrls: URLS, creditsConsumed: 4 });
  });

  test("J5 the callback's address comes out of the doubly encoded parameters", () => {
    const param = JSON.stringify({
      input: JSON.stringify({ prompt: "x" }),
      model: "m",
      callBackUrl: "https://a.test/c",
    });
    expect(readTask({ state: "waiting", param })?.task.callbackUrl).toBe("https://a.test/c");
    expect(readTask({ state: "waiting", paramJson: param })?.task.callbackUrl).toBe("https://a.test/c");
    expect(readTask({ state: "waiting", param: "{half" })?.task).not.toHaveProperty("callbackUrl");
  });

  test("J5 a success without a picture is a failure that may be tried again", () => {
    for (const resultJson of ["", "{}", '{"resultUrls":[]}', '{"resultUrls":[""]}', "not json", null, 5]) {
      const task = readTask({ state: "success", resultJson })?.task;
      expect(task).toMatchObject({ state: "failed", failure: { kind: "transient" }, resultUrls: [] });
    }
  });

  test("J5 a failure carries its code as text, even if it came as a number", () => {
    const task = readTask({ state: "fail", failCode: 422, failMsg: "flagged as sensitive" })?.task;
    expect(task?.failure).toEqual({ kind: "moderated", code: "422", message: "flagged as sensitive" });
  });

  test("C6 a cost that cannot be is dropped and reported", () => {
    for (const creditsConsumed of [-0.5, -4, Number.NaN, Number.POSITIVE_INFINITY, "4", "NaN", {}]) {
      const read = readTask({ state: "success", resultJson: RESULT_JSON, creditsConsumed });
      expect(read?.task.state).toBe("succeeded");
      expect(read?.task).not.toHaveProperty("creditsConsumed");
      expect(read?.impossibleCost).toEqual(creditsConsumed);
    }
    expect(readTask({ state: "waiting", creditsConsumed: 0 })).not.toHaveProperty("impossibleCost");
    expect(readTask({ state: "waiting", creditsConsumed: null })).not.toHaveProperty("impossibleCost");
  });

  test("progress is taken between 0 and 100 only", () => {
    const progress = [0, 55, 100, -1, 101, "50"].map(
      (one) => readTask({ state: "generating", progress: one })?.task.progress,
    );
    expect(progress).toEqual([0, 55, 100, undefined, undefined, undefined]);
  });

  test("what is no record is not read", () => {
    for (const data of [null, undefined, "x", [], {}, { state: 5 }]) expect(readTask(data)).toBeUndefined();
  });
});

describe("a callback", () => {
  const now = new Date("2026-11-20T12:00:00Z");
  const key = "webhook-key";
  const sign = (at: Date, taskId = "task-1", by = key) => {
    const timestamp = String(Math.floor(at.getTime() / 1_000));
    return { key, taskId: "task-1", timestamp, signature: kieSignature(by, taskId, timestamp), now };
  };

  test("J7 the signature of the documentation's formula is accepted", () => {
    // HMAC-SHA256 over "task-1.1795176000", computed apart from this code with OpenSSL.
    const signature = "fz+PHSncoIm+xvSkTnhQA2pBitHhF6d/N6XR/R7YPbs=";
    expect(verifyKieSignature({ key, taskId: "task-1", timestamp: "1795176000", signature, now })).toBe(true);
  });

  test("J7 another key, another task, one other character or none is refused", () => {
    expect(verifyKieSignature(sign(now))).toBe(true);
    expect(verifyKieSignature(sign(now, "task-1", "another key"))).toBe(false);
    expect(verifyKieSignature(sign(now, "task-2"))).toBe(false);
    const good = sign(now);
    const flipped = (good.signature.startsWith("A") ? "B" : "A") + good.signature.slice(1);
    expect(verifyKieSignature({ ...good, signature: flipped })).toBe(false);
    expect(verifyKieSignature({ ...good, signature: "" })).toBe(false);
    expect(verifyKieSignature({ ...good, timestamp: "" })).toBe(false);
    expect(verifyKieSignature({ ...good, timestamp: "now" })).toBe(false);
  });

  test("J7 five minutes of age or of haste are allowed, and not a second more", () => {
    const at = (ms: number) => verifyKieSignature(sign(new Date(now.getTime() + ms)));
    expect(at(-SIGNATURE_WINDOW_MS)).toBe(true);
    expect(at(SIGNATURE_WINDOW_MS)).toBe(true);
    expect(at(-SIGNATURE_WINDOW_MS - 1_000)).toBe(false);
    expect(at(SIGNATURE_WINDOW_MS + 1_000)).toBe(false);
  });

  test("J4 the task's id is found in all three shapes, and nowhere else", () => {
    expect(callbackTaskId({ data: { taskId: "a" } })).toBe("a");
    expect(callbackTaskId({ taskId: "b", data: { task_id: "a" } })).toBe("a");
    expect(callbackTaskId({ taskId: "b", data: null })).toBe("b");
    for (const body of [null, "x", [], {}, { data: { taskId: 5 } }, { taskId: "" }, { taskId: "x".repeat(201) }]) {
      expect(callbackTaskId(body)).toBeUndefined();
    }
  });
});
