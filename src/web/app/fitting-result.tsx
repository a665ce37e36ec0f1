import { Nothing } from "../kit/states.tsx";
import { Compared } from "./before-after.tsx";
import { changeFitting } from "./fitting-draft.ts";
import type { Generation } from "./generation-store.ts";
import type { Intention } from "./intention.ts";
import { MainButton } from "./main-button.tsx";
import { goTo } from "./navigation.ts";
import { usePhoto } from "./photo.ts";
import { PictureDeeds } from "./picture-deeds.tsx";
import { hasScreen } from "./screen.ts";
import { fittingWords } from "./words-fitting.ts";
import { pictureWords } from "./words-pictures.ts";

interface FittingResultProps {
  generation: Generation;
  again: Intention;
}

/** How it came out, beside how it was; what can be done with it; and the next thing to try on. */
export function FittingResult({ generation, again }: FittingResultProps) {
  const { image_url: image, user_photo_url: before } = generation;
  const item = usePhoto("item_photo");
  const nextItem = () => {
    item.clear();
    changeFitting({ generation: null, note: "", ...(generation.zone === undefined ? {} : { zone: generation.zone }) });
    scrollTo(0, 0);
  };
  return (
    <>
      {image === undefined ? (
        <Nothing text={pictureWords("gone")} />
      ) : (
        <Compared before={before} after={image} alt={fittingWords("done")} />
      )}
      {generation.watermarked && <Watermark />}
      <PictureDeeds generation={generation} again={again} againText={fittingWords("same_again")} />
      <MainButton text={fittingWords("next_garment")} onPress={nextItem} />
    </>
  );
}

/** A picture of a free action says so; bought ones do not. */
function Watermark() {
  return (
    <p class="watermark quiet">
      <span>{fittingWords("watermark")}</span>
      {hasScreen("shop") && (
        <button type="button" class="chip" onClick={() => goTo("shop")}>
          {fittingWords("take_it_off")}
        </button>
      )}
    </p>
  );
}
