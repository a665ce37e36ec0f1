import { Value } from "@sinclair/typebox/value";
import { CreateTaskBody, KIE_MODELS, type KieModel } from "../providers/kie/wire.ts";
import { type KieRefusal, REFUSALS } from "./kie-faults.ts";

const RESOLUTIONS = ["1K", "2K", "4K"];
const FILE_TYPES_REFUSED = /\.(gif|bmp|tiff?|svg|heic|avif|pdf|txt|html?)$/i;

/**
 * What kie.ai would say at once against the body of a create; undefined when it would take it. A missing field and a value
 * outside its list both come as code 500. What it says to a prompt that is too long is not known: a sentence of the same kind.
 */
export function createRefusal(body: unknown): KieRefusal | undefined {
  const model = readMember(body, "model");
  if (typeof model !== "string" || model === "") return required("model");
  const known = KIE_MODELS[model];
  if (known === undefined) return REFUSALS["422"];
  if (!Value.Check(CreateTaskBody, body)) return { code: 500, msg: "This field is required" };
  if (body.callBackUrl !== undefined && !URL.canParse(body.callBackUrl)) return outside("callBackUrl");
  const { prompt } = body.input;
  if (typeof prompt !== "string" || prompt === "") return required("prompt");
  if (prompt.length > known.promptCharactersMax) return outside("prompt");
  return imagesRefusal(known, body.input) ?? optionsRefusal(known, body.input);
}

/** The links of the pictures in an input that passed `createRefusal`. */
export function imagesOf(model: KieModel, input: CreateTaskBody["input"]): string[] {
  const images = model.imagesField === undefined ? undefined : input[model.imagesField];
  return Array.isArray(images) ? images.filter((image): image is string => typeof image === "string") : [];
}

function imagesRefusal(model: KieModel, input: CreateTaskBody["input"]): KieRefusal | undefined {
  if (model.imagesField === undefined) return undefined;
  const images = input[model.imagesField];
  if (images === undefined) return model.imagesRequired ? required(model.imagesField) : undefined;
  if (!Array.isArray(images)) return outside(model.imagesField);
  if (images.length === 0 && model.imagesRequired) return required(model.imagesField);
  if (images.length > model.imagesMax) return outside(model.imagesField);
  for (const image of images) {
    if (typeof image !== "string" || !/^https?:\/\//.test(image) || !URL.canParse(image)) {
      return REFUSALS["500_file_type"];
    }
    if (FILE_TYPES_REFUSED.test(new URL(image).pathname)) return REFUSALS["500_file_type"];
  }
  return undefined;
}

function optionsRefusal(model: KieModel, input: CreateTaskBody["input"]): KieRefusal | undefined {
  const allowed: Record<string, readonly unknown[]> = { aspect_ratio: model.aspectRatios };
  if (model.takesImageSize) allowed.image_size = model.aspectRatios;
  if (model.takesResolution) allowed.resolution = RESOLUTIONS;
  if (model.outputFormats !== undefined) allowed.output_format = Object.values(model.outputFormats);
  for (const [field, values] of Object.entries(allowed)) {
    if (field in input && !values.includes(input[field])) return outside(field);
  }
  if (model.aspectRatioRequired !== undefined && input.aspect_ratio === undefined) return required("aspect_ratio");
  return undefined;
}

function required(field: string): KieRefusal {
  return { code: 500, msg: `${field} is required` };
}

function outside(field: string): KieRefusal {
  return { code: 500, msg: `${field} is not within the range of allowed options` };
}

function readMember(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
