import { CallFailure } from "../kit/api.ts";
import { useAction } from "../kit/loading.ts";
import type { PhotoSlot } from "./photo.ts";
import type { PhotoField } from "./photo-upload.ts";
import { partWords } from "./words-parts.ts";

/** Photos of the sandbox, for whoever has none at hand. */
const SAMPLES = {
  user_photo: ["person"],
  item_photo: ["jacket", "tshirt", "sunglasses"],
  photo: ["person"],
} as const satisfies Record<PhotoField, readonly string[]>;
type Sample = (typeof SAMPLES)[PhotoField][number];

export function Samples({ photo }: { photo: PhotoSlot }) {
  return (
    <div class="samples">
      <span>{partWords("samples")}</span>
      {SAMPLES[photo.field].map((name) => (
        <SampleButton key={name} name={name} photo={photo} />
      ))}
    </div>
  );
}

function SampleButton({ name, photo }: { name: Sample; photo: PhotoSlot }) {
  const action = useAction(async () => {
    const answer = await fetch(`/sandbox/samples/${name}.png`).catch(() => null);
    if (!answer?.ok) throw new CallFailure(null);
    photo.choose(new File([await answer.blob()], `${name}.png`, { type: "image/png" }));
  });
  return (
    <button type="button" class="chip" data-sample={name} disabled={action.isBusy} onClick={() => action.run()}>
      {partWords(`sample_${name}`)}
    </button>
  );
}
