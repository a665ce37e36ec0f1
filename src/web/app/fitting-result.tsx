import { Button } from "@telegram-apps/telegram-ui";
import { answerOf, api } from "../kit/api.ts";
import { BeforeAfter } from "./before-after.tsx";
import { changeFitting } from "./fitting-draft.ts";
import type { Generation } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { AgainIcon, DownloadIcon, EditIcon, SendIcon } from "./icons.tsx";
import { type Intention, useIntention } from "./intention.ts";
import { savePicture } from "./links.ts";
import { MainButton } from "./main-button.tsx";
import { goTo } from "./navigation.ts";
import { Notice } from "./notice.tsx";
import { usePhoto } from "./photo.ts";
import { PriceTag } from "./price-tag.tsx";
import { hasScreen } from "./screen.ts";
import { toast } from "./toast.tsx";
import { fittingWords } from "./words-fitting.ts";
import { pictureWords } from "./words-pictures.ts";
import { shellWords } from "./words-shell.ts";

interface FittingResultProps {
  generation: Generation;
  again: Intention;
}

/** How it came out, beside how it was; what can be done with it; and the next thing to try on. */
export function FittingResult({ generation, again }: FittingResultProps) {
  const { id, image_url: image, user_photo_url: before } = generation;
  const item = usePhoto("item_photo");
  const nextItem = () => {
    item.clear();
    changeFitting({ generation: null, note: "", ...(generation.zone === undefined ? {} : { zone: generation.zone }) });
    scrollTo(0, 0);
  };
  const alt = fittingWords("done");
  return (
    <>
      {image === undefined ? (
        <p class="nothing">{pictureWords("gone")}</p>
      ) : before === undefined ? (
        <img class="shot" src={image} alt={alt} />
      ) : (
        <BeforeAfter before={before} after={image} alt={alt} />
      )}
      {generation.watermarked && <Watermark />}
      <div class="deeds">
        {image !== undefined && (
          <>
            <SendToChat id={id} />
            <Button
              size="l"
              stretched
              mode="bezeled"
              before={<DownloadIcon />}
              onClick={() => savePicture(image, `atelier-${id}.jpg`)}
            >
              {pictureWords("download")}
            </Button>
            {hasScreen("edit") && (
              <Button size="l" stretched mode="bezeled" before={<EditIcon />} onClick={() => goTo("edit", id)}>
                {pictureWords("edit_this")}
              </Button>
            )}
          </>
        )}
        <Button
          size="l"
          stretched
          mode="bezeled"
          before={<AgainIcon />}
          loading={again.isBusy}
          onClick={() => again.run()}
        >
          {fittingWords("same_again")} <PriceTag action="fitting" />
        </Button>
      </div>
      <MainButton text={fittingWords("next_garment")} onPress={nextItem} />
    </>
  );
}

function SendToChat({ id }: { id: string }) {
  const send = useIntention(async (key) => {
    await answerOf(api.generations({ id }).send.post(undefined, { headers: { "idempotency-key": key } }));
    feel("success");
    toast(pictureWords("sent"));
  });
  return (
    <>
      {send.isWaiting && <p role="status">{shellWords("still_sending")}</p>}
      {send.failure && <Notice failure={send.failure} />}
      <Button size="l" stretched mode="bezeled" before={<SendIcon />} loading={send.isBusy} onClick={() => send.run()}>
        {pictureWords("send")}
      </Button>
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
