import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { useAction } from "../kit/loading.ts";
import { Nothing } from "../kit/states.tsx";
import { reloadBalance } from "./balance.ts";
import { Compared } from "./before-after.tsx";
import { dayAndTime } from "./format.ts";
import { GenerationCard } from "./generation-card.tsx";
import { forgetGeneration, type Generation, isFinal, rememberGeneration, useGeneration } from "./generation-store.ts";
import { DeleteIcon } from "./icons.tsx";
import { useIntention } from "./intention.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { goInstead, goTo } from "./navigation.ts";
import { PictureDeeds } from "./picture-deeds.tsx";
import { toast } from "./toast.tsx";
import { pictureWords } from "./words-pictures.ts";

/** One picture, large, with what can be done with it. */
export function Picture({ id }: { id: string }) {
  const { value, failure } = useGeneration(id);
  if (value === null && failure?.problem?.status === 404) return <Nothing text={pictureWords("gone")} />;
  return (
    <>
      <h1>{value === null ? pictureWords("title") : nameOf(value)}</h1>
      <GenerationCard id={id}>{(done) => <Shot generation={done} />}</GenerationCard>
      {value !== null && isFinal(value) && <Deeds generation={value} />}
    </>
  );
}

/** What it is called where several are shown. */
export const nameOf = ({ type, created_at: at }: Generation): string =>
  pictureWords(type === "fitting" ? "a_fitting" : "an_edit", { when: dayAndTime(at) });

/** A finished one beside what it was made of. */
export function Shot({ generation }: { generation: Generation }) {
  const { base_generation_id: baseId, image_url: after } = generation;
  if (after === undefined) return <Nothing text={pictureWords("gone")} />;
  return (
    <>
      {generation.user_photo_url === undefined && baseId !== undefined ? (
        <AgainstEarlier baseId={baseId} after={after} alt={nameOf(generation)} />
      ) : (
        <Compared before={generation.user_photo_url} after={after} alt={nameOf(generation)} />
      )}
      {generation.watermarked && <p class="quiet">{pictureWords("watermarked")}</p>}
    </>
  );
}

/** An edit of an earlier result is compared with that. */
function AgainstEarlier({ baseId, after, alt }: { baseId: string; after: string; alt: string }) {
  const { value } = useGeneration(baseId);
  return <Compared before={value?.image_url} after={after} alt={alt} />;
}

function Deeds({ generation }: { generation: Generation }) {
  const { id } = generation;
  const [isAsking, setAsking] = useState(false);
  const again = useIntention(async (key) => {
    const next = await answerOf(api.generations({ id }).retry.post(undefined, { headers: { "idempotency-key": key } }));
    rememberGeneration(next);
    reloadBalance();
    goTo("pictures", next.id);
  });
  return (
    <>
      <IntentionNotice of={again} wouldCost />
      <PictureDeeds generation={generation} again={again} againText={pictureWords("again")} isSendFirst>
        <Button
          size="l"
          stretched
          mode="plain"
          className="delete"
          before={<DeleteIcon />}
          onClick={() => setAsking(true)}
        >
          {pictureWords("delete_it")}
        </Button>
      </PictureDeeds>
      {isAsking && <DeleteDialog id={id} onClose={() => setAsking(false)} />}
    </>
  );
}

function DeleteDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const action = useAction(async () => {
    await answerOf(api.generations({ id }).delete());
  });
  return (
    <Dialog
      title={pictureWords("delete_title")}
      confirm={pictureWords("delete_it")}
      isDangerous
      action={action}
      onClose={onClose}
      onDone={() => {
        forgetGeneration(id);
        toast(pictureWords("deleted"));
        goInstead("pictures");
      }}
    >
      <p>{pictureWords("delete_text")}</p>
    </Dialog>
  );
}
