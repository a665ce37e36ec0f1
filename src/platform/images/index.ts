import { adjust, type PictureOperation } from "./adjust.ts";
import { type Box, type Composition, composeOnto } from "./compose.ts";
import { type LuminanceDifference, luminanceDifference } from "./difference.ts";
import { fontFile } from "./font.ts";
import { acceptPhoto, UPLOAD_BYTES_MAX } from "./inspect.ts";
import { createThreadTeller } from "./native-threads.ts";
import type { Picture } from "./picture.ts";
import { loadSharp, proveSharp } from "./sharp.ts";
import { createImageSlots, IMAGE_CONCURRENCY_DEFAULT } from "./slots.ts";
import { acceptResult, preview, watermark } from "./transform.ts";

export type { Box, Composition, LuminanceDifference, Picture, PictureOperation };
export { UPLOAD_BYTES_MAX };

/**
 * Everything that is done to pictures. Each call waits for a slot, in order of arrival, and then runs in native threads.
 * Bytes that are no acceptable picture make it throw a `Refusal`; any other error is a bug.
 */
export interface Images {
  /** Our own encoding of a photo that a person sent. */
  acceptPhoto: typeof acceptPhoto;
  /** Our own encoding of a picture that a provider made. */
  acceptResult: typeof acceptResult;
  /** A copy with a visible text on it. */
  watermark: typeof watermark;
  /** A small copy. */
  preview: typeof preview;
  /** An item put on a picture, for the sandbox. */
  composeOnto: typeof composeOnto;
  /** Simple changes to a picture, for the sandbox. */
  adjust: typeof adjust;
  /** How much two pictures differ, for the demo and the tests. */
  luminanceDifference: typeof luminanceDifference;
  /** Calls that wait for a slot. */
  waiting(): number;
  /** Calls that have a slot. */
  inUse(): number;
  /**
   * Makes sure that pictures can be worked on: the native code is unpacked and whole, and was loaded on this very system once,
   * now or by an earlier process; the font is in its place. Throws `OperatorError`.
   */
  prove(): Promise<void>;
  /** A picture is on its way: loads the native code meanwhile. Whoever works on the picture hears what is wrong. */
  expectPicture(): void;
  /** Loads the native code and places the font, so that the first picture does not wait for it. Throws `OperatorError`. */
  warmUp(): Promise<void>;
}

/** Makes the image layer. `concurrency` pictures are worked on at once. */
export function createImages(options: { concurrency?: number } = {}): Images {
  const slots = createImageSlots(options.concurrency ?? IMAGE_CONCURRENCY_DEFAULT);
  const tellNewThreads = createThreadTeller();
  const inSlot =
    <Input extends unknown[], Output>(work: (...input: Input) => Promise<Output>) =>
    (...input: Input): Promise<Output> =>
      slots.run(() => work(...input).finally(tellNewThreads));
  return {
    acceptPhoto: inSlot(acceptPhoto),
    acceptResult: inSlot(acceptResult),
    watermark: inSlot(watermark),
    preview: inSlot(preview),
    composeOnto: inSlot(composeOnto),
    adjust: inSlot(adjust),
    luminanceDifference: inSlot(luminanceDifference),
    waiting: slots.waiting,
    inUse: slots.inUse,
    prove: async () => {
      await Promise.all([proveSharp(), fontFile()]);
    },
    expectPicture: () => {
      loadSharp().catch(() => {});
    },
    warmUp: async () => {
      await Promise.all([loadSharp(), fontFile()]);
    },
  };
}
