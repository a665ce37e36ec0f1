import { describe, expect, test } from "bun:test";
import { OperatorError, ProviderFailure } from "../../src/platform/errors.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { createKieClient } from "../../src/providers/kie/client.ts";
import { createTaskBody, type TaskOrder } from "../../src/providers/kie/create-body.ts";
import { KIE_MODELS } from "../../src/providers/kie/wire.ts";

const IMAGES = ["https://a.test/person.png", "https://a.test/item.png"];

function bodyOf(modelId: string, order: Partial<TaskOrder> = {}) {
  const model = KIE_MODELS[modelId];
  if (model === undefined) throw new Error(`no model ${modelId}`);
  return createTaskBody(modelId, model, { prompt: "dress her", imageUrls: IMAGES, ...order });
}

function refusal(modelId: string, order: Partial<TaskOrder>): string {
  try {
    bodyOf(modelId, order);
  } catch (error) {
    if (error instanceof ProviderFailure) return error.kind;
    throw error;
  }
  return "taken";
}

describe("the body of a create", () => {
  const inputs: [model: string, input: Record<string, unknown>][] = [
    ["google/nano-banana-edit", { image_urls: IMAGES, output_format: "png" }],
    ["nano-banana-pro", { image_input: IMAGES, output_format: "png" }],
    ["nano-banana-2", { image_input: IMAGES, output_format: "png" }],
    ["nano-banana-2-lite", { image_urls: IMAGES, aspect_ratio: "auto" }],
  ];
  for (const [model, input] of inputs) {
    test(`names the pictures and leaves out what is optional in the way of ${model}`, () => {
      expect(bodyOf(model)).toEqual({ model, input: { prompt: "dress her", ...input } });
    });
  }

  test("spells JPEG in each model's own way", () => {
    const formats = Object.keys(KIE_MODELS).map((model) => {
      const imageUrls = model === "google/nano-banana" ? [] : IMAGES;
      return bodyOf(model, { outputFormat: "jpeg", imageUrls }).input.output_format;
    });
    expect(formats).toEqual(["jpeg", "jpeg", "jpg", "jpg", undefined]);
  });

  test("carries the callback and the ratio when they are given", () => {
    const body = bodyOf("google/nano-banana-edit", { callbackUrl: "https://a.test/kie", aspectRatio: "3:4" });
    expect(body).toMatchObject({ callBackUrl: "https://a.test/kie", input: { aspect_ratio: "3:4" } });
    expect(body.input).not.toHaveProperty("image_size");
  });

  test("refuses before sending what the model would refuse", () => {
    const edit = "google/nano-banana-edit";
    expect(refusal(edit, { prompt: " " })).toBe("rejected");
    expect(refusal(edit, { prompt: "x".repeat(5_001) })).toBe("rejected");
    expect(refusal("nano-banana-pro", { prompt: "x".repeat(5_001) })).toBe("taken");
    expect(refusal("nano-banana-pro", { prompt: "x".repeat(10_001) })).toBe("rejected");
    expect(refusal(edit, { imageUrls: [] })).toBe("rejected");
    expect(refusal("nano-banana-2", { imageUrls: [] })).toBe("taken");
    expect(refusal(edit, { imageUrls: Array(11).fill(IMAGES[0]) })).toBe("rejected");
    expect(refusal("nano-banana-pro", { imageUrls: Array(9).fill(IMAGES[0]) })).toBe("rejected");
    expect(refusal(edit, { imageUrls: ["data:image/png;base64,AAAA"] })).toBe("rejected");
    expect(refusal("google/nano-banana", {})).toBe("rejected");
    expect(refusal(edit, { aspectRatio: "1080:1080" })).toBe("rejected");
    expect(refusal(edit, { aspectRatio: "1:8" })).toBe("rejected");
    expect(refusal("nano-banana-2", { aspectRatio: "1:8" })).toBe("taken");
  });
});

describe("a client", () => {
  const make = (more: Record<string, unknown>) => () =>
    createKieClient({
      apiUrl: "https://api.kie.ai",
      uploadUrl: "https://kieai.redpandaai.co",
      apiKey: "key",
      model: "google/nano-banana-edit",
      log: silentLog,
      loopbackAllowed: false,
      ...more,
    });

  test("is made from the real addresses, and from loopback only when that is allowed", () => {
    expect(make({})()).toHaveProperty("createTask");
    expect(make({ apiUrl: "http://127.0.0.1:1", loopbackAllowed: true })()).toHaveProperty("createTask");
    expect(make({ apiUrl: "http://127.0.0.1:1" })).toThrow(OperatorError);
    expect(make({ apiUrl: "http://api.kie.ai", loopbackAllowed: true })).toThrow(OperatorError);
    expect(make({ uploadUrl: "kie.ai" })).toThrow(OperatorError);
  });

  test("says which models there are when it is given another", () => {
    expect(make({ model: "google/nano-papaya" })).toThrow("nano-banana-2-lite");
  });
});
