import type { Context } from "../../context.ts";
import { isLoopback } from "../../platform/config/load.ts";
import type { ProviderFailure } from "../../platform/errors.ts";
import { type JobOutcome, later } from "../../platform/queue/outcome.ts";
import { tellOwner } from "../notifications/index.ts";
import { PROVIDER_LINK_VALID_MS, providerLinkTo, readFile, type StoredFile } from "../photos/index.ts";
import { noteProviderFailure } from "./provider-state.ts";
import { advance, failStep, PROVIDER_PAUSE_MS, type Step } from "./step.ts";

/**
 * Links under which the provider finds the photos: our own where the outside reaches us, its upload API elsewhere.
 * Throws `ProviderFailure` when an upload did not work, the refusal `photo_expired` when a photo is gone.
 */
export async function lendPhotos(ctx: Context, step: Step): Promise<string[]> {
  const { generation } = step;
  const kept = generation.providerInputs;
  if (kept !== null && kept.validUntilMs > ctx.clock.now().getTime()) return kept.urls;
  const ids = [generation.userPhotoId, generation.itemPhotoId].filter((id) => id !== null);
  const urls = await Promise.all(
    ids.map(async (id) => {
      const { file, bytes } = await readFile(ctx, id);
      return publishesLinks(ctx) ? providerLinkTo(ctx, file) : upload(ctx, file, bytes);
    }),
  );
  const validUntilMs = ctx.clock.now().getTime() + PROVIDER_LINK_VALID_MS / 2;
  await advance(ctx, step, generation.status, { providerInputs: { urls, validUntilMs } });
  return urls;
}

/** What a failed upload means for the generation. No task exists yet, so it may be repeated whatever the reason. */
export async function afterFailedUpload(ctx: Context, step: Step, failure: ProviderFailure): Promise<JobOutcome> {
  ctx.log.warn("the provider did not take a photo", {
    generation: step.generation.id,
    failure: failure.kind,
    error: failure.message,
  });
  await noteProviderFailure(ctx, failure);
  switch (failure.kind) {
    case "out_of_funds":
    case "unauthorized":
      return failStep(ctx, step, "provider_unavailable");
    case "moderated":
      return failStep(ctx, step, "moderated");
    case "rejected":
      return failStep(ctx, step, "internal_error", (tx) =>
        tellOwner(tx, { level: "warning", reason: "kie_rejected_upload", details: { message: failure.message } }),
      );
    default:
      return later(failure.retryAfterMs ?? PROVIDER_PAUSE_MS * (0.5 + ctx.random()));
  }
}

async function upload(ctx: Context, file: StoredFile, bytes: Uint8Array): Promise<string> {
  const { url } = await ctx.kie.uploadImage({ bytes, mime: file.mime });
  return url;
}

function publishesLinks(ctx: Pick<Context, "settings">): boolean {
  if (ctx.settings.KIE_INPUTS !== "auto") return ctx.settings.KIE_INPUTS === "links";
  return URL.canParse(ctx.settings.PUBLIC_URL) && !isLoopback(new URL(ctx.settings.PUBLIC_URL).hostname);
}
