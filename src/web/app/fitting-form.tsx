import { answerOf, api, CallFailure } from "../kit/api.ts";
import { TextField } from "../kit/fields.tsx";
import { reloadBalance, usePrice } from "./balance.ts";
import { changeFitting, useFittingDraft } from "./fitting-draft.ts";
import { rememberGeneration } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { useIntention } from "./intention.ts";
import { IntoView } from "./into-view.tsx";
import { MainButton } from "./main-button.tsx";
import { Notice } from "./notice.tsx";
import { OutOfCredits } from "./out-of-credits.tsx";
import { type PhotoSlot, usePhoto } from "./photo.ts";
import { PhotoChooser } from "./photo-chooser.tsx";
import { PriceTag } from "./price-tag.tsx";
import { fittingWords } from "./words-fitting.ts";
import { shellWords } from "./words-shell.ts";
import { useZones, ZonePicker } from "./zone-picker.tsx";

/** The server takes no more of a wish. */
const NOTE_LENGTH_MAX = 300;
/** Photos that the server has deleted meanwhile, or does not find. */
const PHOTO_GONE: ReadonlySet<string> = new Set(["photo_expired", "not_found"]);

/** Two photos, the place on the body, perhaps a wish, and one button. The place is asked for once there is an item. */
export function FittingForm() {
  const person = usePhoto("user_photo");
  const item = usePhoto("item_photo");
  const { zone, note } = useFittingDraft();
  const zones = useZones();
  const price = usePrice("fitting");
  const order = useOrder(person, item);
  const isFirst = person.state === "empty" && item.state === "empty" && zone === null;
  const missing = missingStep(person, item, zone);
  const isOut = price !== null && !price.isEnough && !order.isBusy;
  const tellsFailure = order.failure !== null && !(isOut && order.failure.problem?.code === "insufficient_credits");
  return (
    <>
      <h1>{shellWords("try_on")}</h1>
      {isFirst && <p class="try-on-lead">{fittingWords("lead")}</p>}
      <PhotoChooser photo={person} label={fittingWords("person")} hint={fittingWords("person_hint")} />
      <PhotoChooser photo={item} label={fittingWords("item")} hint={fittingWords("item_hint")} camera="environment" />
      {(item.state !== "empty" || zone !== null) && (
        <>
          <ZonePicker zones={zones} chosen={zone} onChoose={(chosen) => changeFitting({ zone: chosen })} />
          <details class="wish" open={note !== ""}>
            <summary>{fittingWords("wish")}</summary>
            <TextField
              label={fittingWords("wish_label")}
              hint={fittingWords("wish_hint")}
              value={note}
              lines={2}
              maxLength={NOTE_LENGTH_MAX}
              onChange={(text) => changeFitting({ note: text })}
            />
          </details>
        </>
      )}
      {order.failure && tellsFailure && (
        <IntoView>
          <Notice failure={order.failure} wouldCost />
        </IntoView>
      )}
      {isOut && <OutOfCredits action="fitting" />}
      {!isOut && (
        <>
          {order.isWaiting && (
            <p class="try-on-waits" role="status">
              {shellWords("still_sending")}
            </p>
          )}
          <p class="unseen" role="status">
            {missing === null ? "" : fittingWords(missing)}
          </p>
          <MainButton
            text={fittingWords(missing ?? "try_it")}
            isReady={missing === null || missing === "next_zone"}
            isBusy={order.isBusy}
            onPress={() => (missing === "next_zone" ? showZones() : order.run())}
            after={missing === null && <PriceTag action="fitting" />}
          />
        </>
      )}
    </>
  );
}

/** On a small phone the figure lies below what is seen. */
const showZones = () => document.getElementById("zones")?.scrollIntoView();

/** What is still to be done before it can be ordered; the first of it. */
function missingStep(person: PhotoSlot, item: PhotoSlot, zone: string | null) {
  if (person.state === "empty") return "next_person";
  if (item.state === "empty") return "next_item";
  if (person.state === "failed" || item.state === "failed") return "next_other_photo";
  if (zone === null) return "next_zone";
  return person.stored === null || item.stored === null ? "next_upload" : null;
}

function useOrder(person: PhotoSlot, item: PhotoSlot) {
  const { zone, note } = useFittingDraft();
  return useIntention(async (key) => {
    if (person.stored === null || item.stored === null || zone === null) return;
    const wish = note.trim();
    const body = {
      user_photo_id: person.stored.id,
      item_photo_id: item.stored.id,
      zone,
      ...(wish === "" ? {} : { note: wish }),
    };
    try {
      const generation = await answerOf(api.fitting.generate.post(body, { headers: { "idempotency-key": key } }));
      rememberGeneration(generation);
      feel("tap");
      changeFitting({ generation: generation.id });
      scrollTo(0, 0);
    } catch (error) {
      const code = error instanceof CallFailure ? error.problem?.code : undefined;
      if (code === "insufficient_credits") reloadBalance();
      if (code !== undefined && PHOTO_GONE.has(code)) renewGone(person, item);
      throw error;
    }
  });
}

/** The answer does not say which photo is gone; the times do, unless the phone's clock is wrong. */
function renewGone(...photos: readonly PhotoSlot[]): void {
  const over = photos.filter(({ stored }) => stored !== null && Date.parse(stored.expires_at) <= Date.now());
  for (const photo of over.length > 0 ? over : photos) photo.renew();
}
