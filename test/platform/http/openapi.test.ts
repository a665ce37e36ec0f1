import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openApiFaults } from "../../../src/build/openapi-check.ts";
import { describeApi, openApiText } from "../../../src/commands/openapi.ts";
import { refusalText } from "../../../src/platform/refusals.ts";

type Node = { [name: string]: Node };
type Operation = {
  operationId: string;
  tags: string[];
  security: Array<Record<string, string[]>>;
  parameters?: Array<{ name: string; in: string }>;
  requestBody?: { required: boolean; content: Node };
  responses: Record<string, Node>;
};

const document = describeApi();
const plain = JSON.parse(JSON.stringify(document)) as {
  paths: Record<string, Record<string, Operation>>;
  components: Node;
};
const operations = Object.entries(plain.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);
const operation = (name: string): Operation => {
  const found = operations.find((one) => one.name === name);
  if (!found) throw new Error(`${name} is not described`);
  return found.operation;
};
const keptFile = join(import.meta.dir, "../../../docs/openapi.json");

/** Codes of the refusals that an answer of this status may carry. */
function codesOf(name: string, status: string): string[] {
  const response = operation(name).responses[status];
  const reference =
    String(response?.$ref ?? "")
      .split("/")
      .at(-1) ?? "";
  return reference === "" ? [] : reference.split(".");
}

describe("the API's description", () => {
  test("is what the repository keeps", async () => {
    expect(await Bun.file(keptFile).text()).toBe(openApiText(document));
  });

  test("passes the linter, which would find faults", async () => {
    const text = openApiText(document);
    expect(await openApiFaults(text, text)).toEqual([]);

    const broken = text.replace('"#/components/schemas/Generation"', '"#/components/schemas/Nothing"');
    expect((await openApiFaults(broken, broken)).join("\n")).toContain("no-unresolved-refs");
    const wrongExample = text.replace('"progress": 40', '"progress": "forty"');
    expect((await openApiFaults(wrongExample, wrongExample)).join("\n")).toContain("example");
  });

  test("is out of date as soon as it differs from the file", async () => {
    const text = openApiText(document);
    expect((await openApiFaults(text, text.replace("try-on", "fitting"))).join("\n")).toContain("docs/openapi.json");
    expect((await openApiFaults(text, null)).join("\n")).toContain("docs/openapi.json");
  });

  test("offers JSON and no other type that the server does not take", () => {
    const types = new Set<string>();
    const shared = Object.values(plain.components.responses ?? {});
    for (const { requestBody, responses } of operations.map((one) => one.operation)) {
      for (const { content } of [requestBody, ...Object.values(responses), ...shared].filter(
        (one) => one !== undefined,
      )) {
        for (const type of Object.keys(content ?? {})) types.add(type);
      }
    }
    expect([...types].toSorted()).toEqual([
      "application/json",
      "application/problem+json",
      "application/zip",
      "image/jpeg",
      "multipart/form-data",
      "text/csv",
    ]);
  });

  test("says of each operation who may call it, and by what name", () => {
    const ids = operations.map((one) => one.operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-zA-Z0-9]+$/);
      expect(operation.tags).toHaveLength(1);
      expect(operation.security).toBeArray();
    }
    expect(operation("GET /api/v1/balance").security).toEqual([{ bearerAuth: [] }]);
    expect(operation("POST /api/v1/auth/telegram").security).toEqual([{}, { telegramInitData: [] }]);
    expect(operation("GET /api/v1/live").security).toEqual([{ liveTicket: [] }]);
    expect(operation("GET /api/v1/files/{token}").security).toEqual([]);
  });

  test("lists what each operation refuses with", () => {
    const name = "POST /api/v1/fitting/generate";
    expect(codesOf(name, "401")).toEqual(["unauthenticated"]);
    expect(codesOf(name, "402")).toEqual(["insufficient_credits"]);
    expect(codesOf(name, "409")).toEqual(["request_in_progress"]);
    expect(codesOf(name, "422")).toEqual(["validation_failed", "prompt_refused", "idempotency_key_reused"]);
    expect(codesOf(name, "429")).toEqual(["too_many_active_generations", "rate_limited"]);
    expect(codesOf("POST /api/v1/auth/telegram", "401")).toEqual(["init_data_invalid", "init_data_expired"]);
    expect(codesOf("GET /api/v1/profile", "422")).toEqual(["validation_failed"]);
    expect(operation("GET /health/live").responses["401"]).toBeUndefined();
  });

  test("shows each refusal under the status that it has", () => {
    for (const [name, response] of Object.entries(plain.components.responses ?? {})) {
      const statuses = new Set(name.split(".").map((code) => refusalText(code as "busy").status));
      expect(statuses.size).toBe(1);
      expect(Object.keys(response.content ?? {})).toEqual(["application/problem+json"]);
      expect(response.headers).toHaveProperty("X-Request-Id");
      const mayComeAgain = statuses.has(429) || statuses.has(503) || name.includes("request_in_progress");
      expect("Retry-After" in (response.headers ?? {})).toBe(mayComeAgain);
    }
  });

  test("describes the upload as files and the socket as a socket", () => {
    const upload = operation("POST /api/v1/fitting/upload").requestBody;
    const form = upload?.content["multipart/form-data"];
    expect(form?.schema?.properties).toEqual({
      user_photo: { type: "string", contentMediaType: "application/octet-stream", maxLength: 5 * 1024 * 1024 },
      item_photo: { type: "string", contentMediaType: "application/octet-stream", maxLength: 5 * 1024 * 1024 },
    } as never);
    const socket = operation("GET /api/v1/live");
    expect(Object.keys(socket.responses)).toContain("101");
    expect(socket.parameters?.map((parameter) => parameter.name)).toEqual(["since", "panel"]);
  });

  test("knows which bodies may be left out", () => {
    expect(operation("POST /api/v1/auth/logout").requestBody?.required).toBeFalse();
    expect(operation("POST /api/v1/auth/refresh").requestBody?.required).toBeTrue();
  });

  test("leaves out what is not for clients of the API", () => {
    const paths = Object.keys(plain.paths);
    expect(paths.filter((path) => !/^\/(api\/v1|health)\//.test(path))).toEqual([]);
  });

  test("closes answers to members that are not described", () => {
    expect(plain.components.schemas?.Generation).toMatchObject({ additionalProperties: false });
  });
});
