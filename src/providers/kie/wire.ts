import { createHmac } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";

/** Paths and shapes of kie.ai's Market API, the upload host and the callback, for the client and for the emulator. */
export const KIE_PATHS = {
  createTask: "/api/v1/jobs/createTask",
  recordInfo: "/api/v1/jobs/recordInfo",
  credit: "/api/v1/chat/credit",
  downloadUrl: "/api/v1/common/download-url",
  uploadStream: "/api/file-stream-upload",
  uploadBase64: "/api/file-base64-upload",
  uploadUrl: "/api/file-url-upload",
} as const;

export const SIGNATURE_HEADER = "x-webhook-signature";
export const TIMESTAMP_HEADER = "x-webhook-timestamp";

const Text = Type.Union([Type.String(), Type.Null()]);

/** Around every answer. The status that counts is `code`; HTTP says 200 to nearly everything. Old pages say `message`. */
export const Envelope = Type.Object({
  code: Type.Optional(Type.Unknown()),
  msg: Type.Optional(Text),
  message: Type.Optional(Text),
  data: Type.Optional(Type.Unknown()),
});
export type Envelope = Static<typeof Envelope>;

export const CreateTaskBody = Type.Object({
  model: Type.String(),
  callBackUrl: Type.Optional(Type.String()),
  input: Type.Record(Type.String(), Type.Unknown()),
});
export type CreateTaskBody = Static<typeof CreateTaskBody>;

export const CreateTaskData = Type.Object({
  taskId: Type.String({ minLength: 1, maxLength: 200 }),
  recordId: Type.Optional(Type.String()),
});

/**
 * A task as `recordInfo` and the callback show it. Only `state` is sure to be there: the answers of April and of
 * September 2026 differ, and the documentation differs from both. Fields of doubtful type are read with care instead.
 */
export const TaskRecord = Type.Object({
  taskId: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  state: Type.String(),
  /** JSON text, whose `input` is JSON text again. */
  param: Type.Optional(Type.Unknown()),
  paramJson: Type.Optional(Type.Unknown()),
  /** JSON text with `resultUrls`; empty while the task runs. */
  resultJson: Type.Optional(Type.Unknown()),
  /** The same, parsed already. */
  response: Type.Optional(Type.Unknown()),
  failCode: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()])),
  failMsg: Type.Optional(Text),
  costTime: Type.Optional(Type.Unknown()),
  createTime: Type.Optional(Type.Unknown()),
  completeTime: Type.Optional(Type.Unknown()),
  creditsConsumed: Type.Optional(Type.Unknown()),
  consumeCredits: Type.Optional(Type.Unknown()),
  successFlag: Type.Optional(Type.Unknown()),
  operationType: Type.Optional(Type.Unknown()),
  progress: Type.Optional(Type.Unknown()),
});
export type TaskRecord = Static<typeof TaskRecord>;

export const UploadData = Type.Object({
  downloadUrl: Type.String({ minLength: 1 }),
  fileName: Type.Optional(Type.String()),
  filePath: Type.Optional(Type.String()),
  fileSize: Type.Optional(Type.Number()),
  mimeType: Type.Optional(Type.String()),
});
export type UploadData = Static<typeof UploadData>;

const RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "auto"] as const;
const MEGABYTE = 1_000_000;

export interface KieModel {
  promptCharactersMax: number;
  /** The field that holds the pictures' links; absent when the model takes no pictures. */
  imagesField?: "image_urls" | "image_input";
  imagesRequired: boolean;
  imagesMax: number;
  imageBytesMax: number;
  aspectRatios: readonly string[];
  /** Sent when the caller names none and the model insists on one. */
  aspectRatioRequired?: string;
  /** The pair of `google/` also takes the old name `image_size` of `aspect_ratio`. */
  takesImageSize: boolean;
  takesResolution: boolean;
  /** How the model spells the format of its picture; absent when it has no such field. */
  outputFormats?: { readonly png: string; readonly jpeg: string };
}

/** What each model takes (documentation of August 2026). The lite model's ratios are not listed there: the common ones. */
export const KIE_MODELS: Readonly<Record<string, KieModel>> = {
  "google/nano-banana": {
    promptCharactersMax: 5_000,
    imagesRequired: false,
    imagesMax: 0,
    imageBytesMax: 0,
    aspectRatios: RATIOS,
    takesImageSize: true,
    takesResolution: false,
    outputFormats: { png: "png", jpeg: "jpeg" },
  },
  "google/nano-banana-edit": {
    promptCharactersMax: 5_000,
    imagesField: "image_urls",
    imagesRequired: true,
    imagesMax: 10,
    imageBytesMax: 10 * MEGABYTE,
    aspectRatios: RATIOS,
    takesImageSize: true,
    takesResolution: false,
    outputFormats: { png: "png", jpeg: "jpeg" },
  },
  "nano-banana-pro": {
    promptCharactersMax: 10_000,
    imagesField: "image_input",
    imagesRequired: false,
    imagesMax: 8,
    imageBytesMax: 30 * MEGABYTE,
    aspectRatios: RATIOS,
    takesImageSize: false,
    takesResolution: true,
    outputFormats: { png: "png", jpeg: "jpg" },
  },
  "nano-banana-2": {
    promptCharactersMax: 20_000,
    imagesField: "image_input",
    imagesRequired: false,
    imagesMax: 14,
    imageBytesMax: 30 * MEGABYTE,
    aspectRatios: [...RATIOS, "1:4", "4:1", "1:8", "8:1"],
    takesImageSize: false,
    takesResolution: true,
    outputFormats: { png: "png", jpeg: "jpg" },
  },
  "nano-banana-2-lite": {
    promptCharactersMax: 20_000,
    imagesField: "image_urls",
    imagesRequired: false,
    imagesMax: 10,
    imageBytesMax: 30 * MEGABYTE,
    aspectRatios: RATIOS,
    aspectRatioRequired: "auto",
    takesImageSize: false,
    takesResolution: false,
  },
};

/**
 * The signature of a callback: base64 of HMAC-SHA256 over `<taskId>.<Unix seconds>`. The body is not part of it, so it
 * proves only that the sender knows the task's id.
 */
export function kieSignature(key: string, taskId: string, timestamp: string): string {
  return createHmac("sha256", key).update(`${taskId}.${timestamp}`).digest("base64");
}
