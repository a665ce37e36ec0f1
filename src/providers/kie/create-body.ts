import { ProviderFailure } from "../../platform/errors.ts";
import type { CreateTaskBody, KieModel } from "./wire.ts";

export interface TaskOrder {
  prompt: string;
  /** Links that the provider can read without credentials, in the order that the prompt speaks of. */
  imageUrls: readonly string[];
  /** Where the provider posts when the task has ended. */
  callbackUrl?: string;
  /** Such as `3:4`; left out, the model's default holds. */
  aspectRatio?: string;
  /** Default `png`, which loses nothing. */
  outputFormat?: "png" | "jpeg";
}

/**
 * The body of a create, in the spelling of `model`. Optional fields are left out, never sent empty: kie.ai refuses an empty
 * text. Throws `rejected` for an order that the model cannot take, before anything is sent.
 */
export function createTaskBody(modelId: string, model: KieModel, order: TaskOrder): CreateTaskBody {
  checkOrder(modelId, model, order);
  const aspectRatio = order.aspectRatio ?? model.aspectRatioRequired;
  return {
    model: modelId,
    ...(order.callbackUrl === undefined ? {} : { callBackUrl: order.callbackUrl }),
    input: {
      prompt: order.prompt,
      ...(model.imagesField === undefined || order.imageUrls.length === 0
        ? {}
        : { [model.imagesField]: [...order.imageUrls] }),
      ...(model.outputFormats === undefined ? {} : { output_format: model.outputFormats[order.outputFormat ?? "png"] }),
      ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    },
  };
}

function checkOrder(modelId: string, model: KieModel, order: TaskOrder): void {
  if (order.prompt.trim() === "") throw refused("the prompt is empty");
  if (order.prompt.length > model.promptCharactersMax) {
    throw refused(`${modelId} takes at most ${model.promptCharactersMax} characters of prompt`);
  }
  if (order.imageUrls.length > model.imagesMax) throw refused(`${modelId} takes at most ${model.imagesMax} pictures`);
  if (model.imagesRequired && order.imageUrls.length === 0) throw refused(`${modelId} needs a picture`);
  for (const url of order.imageUrls) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw refused("a picture is given by its link only");
  }
  if (order.aspectRatio !== undefined && !model.aspectRatios.includes(order.aspectRatio)) {
    throw refused(`${modelId} does not know the aspect ratio ${order.aspectRatio}`);
  }
}

function refused(message: string): ProviderFailure {
  return new ProviderFailure("kie.ai", "rejected", message);
}
