import { describe, expect, test } from "bun:test";
import {
  effectiveCode,
  type FailureClass,
  failureOf,
  type KieAnswer,
  type TaskFailureKind,
  taskFailureKind,
} from "../../src/providers/kie/classify.ts";

function answer(status: number, body: unknown): KieAnswer {
  return typeof body === "string"
    ? { status, json: undefined, text: body }
    : { status, json: body, text: JSON.stringify(body) };
}

const OUTAGE = "Server exception, please try again later or contact customer service";
const NO_CREDITS =
  "Credits insufficient : Your current balance isn't enough to run this request. Please top up to continue.";
const UNKNOWN_MODEL =
  "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.";

type Row = [code: number, msg: string, expected: Omit<FailureClass, "message">];

const ROWS: Row[] = [
  [400, "The parameters are incorrect", { kind: "rejected" }],
  [400, "The content may violate content policies", { kind: "moderated" }],
  [401, "You do not have access permissions", { kind: "unauthorized" }],
  [402, "Insufficient Credits", { kind: "out_of_funds" }],
  [404, "Not found", { kind: "rejected", alert: true }],
  [408, "Upstream timeout", { kind: "unknown" }],
  [422, UNKNOWN_MODEL, { kind: "rejected", alert: true }],
  [422, "Invalid prompt: prompt contains prohibited content", { kind: "moderated" }],
  [422, "image_urls must be an array", { kind: "rejected" }],
  [429, "Rate limit exceeded", { kind: "rate_limited", retryAfterMs: 10_000 }],
  [433, "The usage of this key exceeds its limit", { kind: "out_of_funds" }],
  [451, "The image could not be downloaded", { kind: "input_unreachable" }],
  [455, "This interface is temporarily paused.", { kind: "unavailable" }],
  [500, OUTAGE, { kind: "unavailable" }],
  [500, "This interface is temporarily paused.", { kind: "unavailable" }],
  [500, NO_CREDITS, { kind: "out_of_funds" }],
  [500, "prompt is required", { kind: "rejected" }],
  [500, "This field is required", { kind: "rejected" }],
  [500, "aspect_ratio is not within the range of allowed options", { kind: "rejected" }],
  [500, "File type not supported", { kind: "rejected" }],
  [501, "Generation failed", { kind: "unavailable" }],
  [501, "Blocked by content policy", { kind: "moderated" }],
  [505, "This feature is disabled", { kind: "rejected", alert: true }],
  [503, "a code that nobody has documented", { kind: "unknown" }],
  [299, "a code that nobody has documented", { kind: "unknown" }],
  [418, "a code that nobody has documented", { kind: "rejected" }],
];

describe("an answer with a code", () => {
  for (const [code, msg, expected] of ROWS) {
    for (const status of [200, code]) {
      test(`J6 code ${code} under HTTP ${status}, "${msg.slice(0, 30)}", is ${expected.kind}`, () => {
        const found = failureOf(answer(status, { code, msg, data: null }));
        expect(found).toEqual({ ...expected, message: `code ${code}: ${msg}` });
      });
    }
  }

  test("J6 the old name of the text field says as much as the new one", () => {
    expect(failureOf(answer(200, { code: 500, message: NO_CREDITS }))?.kind).toBe("out_of_funds");
  });

  test("J6 a code written as text counts as a code", () => {
    expect(effectiveCode(answer(200, { code: "402" }))).toBe(402);
    expect(failureOf(answer(200, { code: "402" }))?.kind).toBe("out_of_funds");
  });

  test("code 200 is no failure, and neither is a 2xx with JSON and no code", () => {
    expect(failureOf(answer(200, { code: 200, msg: "success", data: {} }))).toBeUndefined();
    expect(failureOf(answer(200, { data: {} }))).toBeUndefined();
  });
});

describe("an answer without a code", () => {
  const rows: [status: number, body: unknown, expected: Omit<FailureClass, "message">][] = [
    [403, "error code: 1010", { kind: "unavailable", alert: true }],
    [403, "<html>Forbidden</html>", { kind: "unavailable", alert: true }],
    [401, "", { kind: "unauthorized" }],
    [402, "", { kind: "out_of_funds" }],
    [404, "<html>Not Found</html>", { kind: "rejected", alert: true }],
    [408, "", { kind: "unknown" }],
    [413, "", { kind: "rejected" }],
    [429, "<html>slow down</html>", { kind: "rate_limited", retryAfterMs: 10_000 }],
    [301, "", { kind: "unavailable", alert: true }],
    [500, "<html>oops</html>", { kind: "unknown" }],
    [500, { error: "from a proxy" }, { kind: "unknown" }],
    [502, "<html>Bad gateway</html>", { kind: "unknown" }],
    [504, "<html>Gateway time-out</html>", { kind: "unknown" }],
    [520, "error code: 520", { kind: "unknown" }],
    [200, "OK", { kind: "unknown" }],
    [200, '{"code":200,"msg":"suc', { kind: "unknown" }],
    [200, [1, 2], { kind: "unknown" }],
  ];
  for (const [status, body, expected] of rows) {
    test(`J10 HTTP ${status} with ${JSON.stringify(body).slice(0, 30)} is ${expected.kind}`, () => {
      const { message, ...found } = failureOf(answer(status, body)) ?? { message: "", kind: "no failure" };
      expect<unknown>(found).toEqual(expected);
      expect(message).not.toBe("");
    });
  }
});

describe("a failed task", () => {
  const rows: [code: string, message: string, kind: TaskFailureKind][] = [
    ["400", "Image fetch failed. Check access settings or use our File Upload API instead.", "input_unreachable"],
    ["451", "", "input_unreachable"],
    ["400", "The content could not be processed because it may violate content policies.", "moderated"],
    ["422", "The input or output was flagged as sensitive.", "moderated"],
    ["422", "CONTENT_POLICY_BLOCKED: blocked", "moderated"],
    ["422", "Invalid prompt: prompt contains prohibited content", "moderated"],
    ["422", "", "moderated"],
    ["500", "No images found in AI response. It was filtered out because it violated the policy.", "moderated"],
    ["", "violated Google's Generative AI Prohibited Use policy", "moderated"],
    ["500", "Internal Error, Please try again later.", "transient"],
    [
      "500",
      "Gemini could not generate an image with the given prompt. Please try again with a different prompt.",
      "refused",
    ],
    ["408", "Upstream timeout", "transient"],
    ["422", "aspect_ratio is not within the range of allowed options", "rejected"],
    ["400", "Some parameter is wrong", "rejected"],
    ["505", "disabled", "rejected"],
    ["501", "Generation failed", "transient"],
    ["", "", "transient"],
    ["new-code", "something new", "transient"],
  ];
  for (const [code, message, kind] of rows) {
    test(`J5 failCode "${code}", "${message.slice(0, 40)}", is ${kind}`, () => {
      expect(taskFailureKind(code, message)).toBe(kind);
    });
  }
});
