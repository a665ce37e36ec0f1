import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../platform/clock.ts";
import { ChatBody } from "../providers/openrouter/wire.ts";
import { fetchInput, pictureType } from "./kie-inputs.ts";
import { type ChatError, ERRORS } from "./openrouter-faults.ts";
import type { EmulatedModel } from "./openrouter-models.ts";

/** The upstream's own limit for one picture. */
const IMAGE_BYTES_MAX = 5_000_000;
const IMAGE_TIMEOUT_MS = 5 * SECOND_MS;
const DATA_URL = /^data:([\w/+.-]+);base64,([A-Za-z0-9+/]*={0,2})$/;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const SCHEMA_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Members of a body that a model may or may not support; the others belong to the platform. */
const MODEL_PARAMETERS = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "stop",
  "tools",
  "tool_choice",
  "response_format",
  "reasoning",
  "frequency_penalty",
  "presence_penalty",
  "repetition_penalty",
  "logprobs",
  "logit_bias",
];
const SAMPLING = ["temperature", "top_p", "top_k"];

/** What the platform says against a body before it looks at any model; the body itself when it would take it. */
export function readChatBody(body: unknown): ChatBody | ChatError {
  if (!Value.Check(ChatBody, body)) {
    const path = Value.Errors(ChatBody, body).First()?.path ?? "/";
    return badRequest(`Invalid input at "${path}"`);
  }
  if (body.model === undefined && (body.models ?? []).length === 0) return badRequest("No models provided");
  const format = body.response_format;
  if (format?.type !== "json_schema") return body;
  if (format.json_schema === undefined || !SCHEMA_NAME.test(format.json_schema.name)) {
    return badRequest("response_format.json_schema.name must be 1 to 64 characters of A-Za-z0-9_-");
  }
  const { strict, schema } = format.json_schema;
  if (strict === true && !isStrict(schema)) {
    return badRequest("output_format.schema: objects must list all properties as required and forbid additional ones");
  }
  return body;
}

/** What the endpoint of one model says against a body that the platform took. */
export function endpointRefusal(model: EmulatedModel, body: ChatBody): ChatError | undefined {
  const { only, ignore, require_parameters: required } = body.provider ?? {};
  if (ignore?.includes("anthropic") === true || (only !== undefined && !only.includes("anthropic"))) {
    return { code: 404, message: `No allowed providers are available for the selected model.` };
  }
  const sent = MODEL_PARAMETERS.filter((parameter) => parameter in body);
  const wantsSchema = body.response_format?.type === "json_schema";
  const unsupported = [...sent, ...(wantsSchema ? ["structured_outputs"] : [])].filter(
    (parameter) => !model.parameters.includes(parameter),
  );
  if (required === true && unsupported.length > 0) return ERRORS["404_parameters"];
  const sampling = SAMPLING.filter((parameter) => parameter in body);
  const isRefused =
    model.refuses === "sampling" ? sampling.length > 0 : sampling.includes("temperature") && sampling.includes("top_p");
  return isRefused ? badRequest(`${sampling.join(" and ")}: not permitted for this model`) : undefined;
}

/** What is said against the pictures, and how many bytes they have. */
export async function readImages(body: ChatBody): Promise<{ bytes: number; count: number } | ChatError> {
  let bytes = 0;
  let count = 0;
  for (const { url } of imagesOf(body)) {
    const read = /^https?:/i.test(url) ? await readLink(url) : readDataUrl(url);
    if ("code" in read) return read;
    bytes += read.bytes;
    count += 1;
  }
  return { bytes, count };
}

/** Bytes of the pictures that stand in the body itself; links count nothing. */
export function imageBytesIn(body: ChatBody): number {
  return imagesOf(body).reduce((sum, { url }) => {
    const base64 = DATA_URL.exec(url)?.[2];
    return sum + (base64 === undefined ? 0 : Buffer.byteLength(base64, "base64"));
  }, 0);
}

function imagesOf(body: ChatBody): { url: string }[] {
  return body.messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image_url" ? [part.image_url] : [])),
  );
}

function readDataUrl(url: string): { bytes: number } | ChatError {
  const [, mime, base64] = DATA_URL.exec(url) ?? [];
  if (mime === undefined || base64 === undefined) return imageError("invalid_image", "Invalid image URL");
  if (!IMAGE_TYPES.includes(mime)) return imageError("unsupported_image_format", `Unsupported image type ${mime}`);
  return readBytes(new Uint8Array(Buffer.from(base64, "base64")));
}

async function readLink(url: string): Promise<{ bytes: number } | ChatError> {
  const limits = { bytesMax: IMAGE_BYTES_MAX + 1, timeoutMs: IMAGE_TIMEOUT_MS };
  const bytes = await fetchInput(url, limits);
  if (bytes === undefined) return imageError("image_download_failed", "Failed to download the image");
  return readBytes(bytes);
}

function readBytes(bytes: Uint8Array): { bytes: number } | ChatError {
  const isGif = Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "GIF8";
  if (!isGif && pictureType(bytes) === undefined) return imageError("invalid_image", "Could not process image");
  if (bytes.byteLength > IMAGE_BYTES_MAX) return imageError("image_too_large", "image exceeds 5 MB maximum");
  return { bytes: bytes.byteLength };
}

/** Whether every object in it lists all its properties as required and forbids others. */
function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (typeof schema !== "object" || schema === null) return true;
  if ("properties" in schema && typeof schema.properties === "object" && schema.properties !== null) {
    const required = "required" in schema && Array.isArray(schema.required) ? schema.required : [];
    if (!("additionalProperties" in schema) || schema.additionalProperties !== false) return false;
    if (Object.keys(schema.properties).some((name) => !required.includes(name))) return false;
  }
  return Object.values(schema).every(isStrict);
}

function badRequest(message: string): ChatError {
  return { code: 400, message, metadata: { error_type: "invalid_request" } };
}

function imageError(error_type: string, message: string): ChatError {
  return { code: 400, message, metadata: { error_type } };
}
