import { Button } from "@telegram-apps/telegram-ui";
import { useEffect } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { changeFitting } from "./fitting-draft.ts";
import { FittingResult } from "./fitting-result.tsx";
import { GenerationCard } from "./generation-card.tsx";
import { type Generation, isFinal, rememberGeneration, useGeneration } from "./generation-store.ts";
import { type Intention, useIntention } from "./intention.ts";
import { IntoView } from "./into-view.tsx";
import { Notice } from "./notice.tsx";
import { usePhoto } from "./photo.ts";
import { PriceTag } from "./price-tag.tsx";
import { fittingWords } from "./words-fitting.ts";
import { shellWords } from "./words-shell.ts";

interface FittingProgressProps {
  id: string;
  /** It was deleted elsewhere. */
  onGone: () => void;
}

/** A try-on that was ordered: on its way, as it came out, or why it did not. */
export function FittingProgress({ id, onGone }: FittingProgressProps) {
  const { value, failure } = useGeneration(id);
  const isGone = failure?.problem?.status === 404;
  useEffect(() => {
    if (isGone) onGone();
  }, [isGone]);
  const again = useSameAgain(id);
  if (isGone) return null;
  return (
    <>
      <h1 aria-live="polite">{titleOf(value)}</h1>
      {value !== null && value.status !== "succeeded" && <Ingredients generation={value} />}
      <GenerationCard id={id} actions={<WaysOn again={again} />}>
        {(done) => <FittingResult generation={done} again={again} />}
      </GenerationCard>
      {again.isWaiting && (
        <p class="try-on-waits" role="status">
          {shellWords("still_sending")}
        </p>
      )}
      {again.failure && (
        <IntoView>
          <Notice failure={again.failure} wouldCost />
        </IntoView>
      )}
      {value !== null && !isFinal(value) && (
        <div class="deeds">
          <Button type="button" size="l" stretched mode="plain" onClick={startAnew}>
            {fittingWords("meanwhile")}
          </Button>
        </div>
      )}
    </>
  );
}

/** Back to the photos, which are as they were. */
const startAnew = () => changeFitting({ generation: null });

function titleOf(generation: Generation | null): string {
  if (generation === null) return shellWords("try_on");
  if (!isFinal(generation)) return fittingWords("in_work");
  return generation.status === "succeeded" ? fittingWords("done") : shellWords("try_on");
}

/** The same photos and the same place once more; it costs once more. */
function useSameAgain(id: string): Intention {
  return useIntention(async (key) => {
    const next = await answerOf(api.generations({ id }).retry.post(undefined, { headers: { "idempotency-key": key } }));
    rememberGeneration(next);
    changeFitting({ generation: next.id });
    scrollTo(0, 0);
  });
}

/** What it is made of, so that one sees what was meant. */
function Ingredients({ generation: { user_photo_url: person, item_photo_url: item } }: { generation: Generation }) {
  if (person === undefined || item === undefined) return null;
  return (
    <div class="ingredients">
      <img src={person} alt={fittingWords("person")} />
      <span aria-hidden="true">+</span>
      <img src={item} alt={fittingWords("item")} />
    </div>
  );
}

/** After a failure: change something first, or just try once more. */
function WaysOn({ again }: { again: Intention }) {
  const hasPhotos = usePhoto("user_photo").state !== "empty";
  return (
    <>
      <Button type="button" size="m" onClick={startAnew}>
        {fittingWords(hasPhotos ? "change_something" : "start_anew")}
      </Button>
      <Button type="button" size="m" mode="bezeled" loading={again.isBusy} onClick={() => again.run()}>
        {fittingWords("once_more")} <PriceTag action="fitting" />
      </Button>
    </>
  );
}
