import { Button } from "@telegram-apps/telegram-ui";
import { answerOf, api } from "../kit/api.ts";
import { addressOf } from "../kit/route.ts";
import { reloadBalance } from "./balance.ts";
import { changeTalk, chooseBase, talk } from "./edit-talk.ts";
import { GenerationCard } from "./generation-card.tsx";
import { type Generation, rememberGeneration } from "./generation-store.ts";
import { useIntention } from "./intention.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { Shot } from "./picture.tsx";
import { PriceTag } from "./price-tag.tsx";
import { editWords } from "./words-edit.ts";
import { pictureWords } from "./words-pictures.ts";

interface EditPictureProps {
  generation: Generation;
  isNewest: boolean;
  /** Whether the next change begins with it. */
  isBase: boolean;
}

/** A picture of the conversation: being made, made, or not; the newest is compared with what it was made of. */
export function EditPicture({ generation, isNewest, isBase }: EditPictureProps) {
  const { id, status, image_url: image, preview_url: preview } = generation;
  const isMade = status === "succeeded";
  if (isMade && image === undefined) return <p class="quiet">{editWords("picture_gone")}</p>;
  return (
    <>
      {isMade && !isNewest ? (
        <img class="edit-earlier" src={preview ?? image ?? ""} alt={pictureWords("an_edit", { when: "" })} />
      ) : (
        <GenerationCard id={id} actions={<Again id={id} />}>
          {(done) => <Shot generation={done} />}
        </GenerationCard>
      )}
      {isMade && (
        <div class="edit-picture-deeds">
          {isBase ? (
            <span class="quiet">{editWords("goes_on")}</span>
          ) : (
            <button type="button" class="chip" onClick={() => chooseBase({ kind: "picture", id })}>
              {editWords("go_on_from")}
            </button>
          )}
          <a class="chip" href={addressOf("pictures", id)}>
            {editWords("open_picture")}
          </a>
        </div>
      )}
    </>
  );
}

/** The same order once more, of the same base. */
function Again({ id }: { id: string }) {
  const again = useIntention(async (key) => {
    const of = talk.read();
    const next = await answerOf(api.generations({ id }).retry.post(undefined, { headers: { "idempotency-key": key } }));
    rememberGeneration(next);
    reloadBalance();
    const now = talk.read();
    if (now) changeTalk({ pictures: [...now.pictures, next] }, of);
  });
  return (
    <>
      <IntentionNotice of={again} wouldCost />
      <Button type="button" size="m" mode="bezeled" loading={again.isBusy} onClick={() => again.run()}>
        {editWords("again")} <PriceTag action="edit_generation" />
      </Button>
    </>
  );
}
