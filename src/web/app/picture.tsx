import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { useAction } from "../kit/loading.ts";
import { Nothing } from "../kit/states.tsx";
import { type Action, reloadBalance } from "./balance.ts";
import { BeforeAfter } from "./before-after.tsx";
import { dayAndTime } from "./format.ts";
import { GenerationCard } from "./generation-card.tsx";
import { forgetGeneration, type Generation, isFinal, rememberGeneration, useGeneration } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { AgainIcon, DeleteIcon, DownloadIcon, EditIcon, SendIcon } from "./icons.tsx";
import { useIntention } from "./intention.ts";
import { savePicture } from "./links.ts";
import { goInstead, goTo } from "./navigation.ts";
import { Notice } from "./notice.tsx";
import { PriceTag } from "./price-tag.tsx";
import { hasScreen } from "./screen.ts";
import { toast } from "./toast.tsx";
import { pictureWords } from "./words-pictures.ts";
import { shellWords } from "./words-shell.ts";

/** What a generation of this kind costs. */
const ACTION_OF: Readonly<Record<Generation["type"], Action>> = { fitting: "fitting", editing: "edit_generation" };

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

const nameOf = ({ type, created_at: at }: Generation): string =>
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

/** The photo that it began with is deleted sooner than the picture. */
function Compared({ before, after, alt }: { before: string | undefined; after: string; alt: string }) {
  if (before === undefined) return <img class="shot" src={after} alt={alt} />;
  return <BeforeAfter before={before} after={after} alt={alt} />;
}

function Deeds({ generation }: { generation: Generation }) {
  const { id, type, status, image_url: image } = generation;
  const [isAsking, setAsking] = useState(false);
  const send = useIntention(async (key) => {
    await answerOf(api.generations({ id }).send.post(undefined, { headers: { "idempotency-key": key } }));
    feel("success");
    toast(pictureWords("sent"));
  });
  const again = useIntention(async (key) => {
    const next = await answerOf(api.generations({ id }).retry.post(undefined, { headers: { "idempotency-key": key } }));
    rememberGeneration(next);
    reloadBalance();
    goTo("pictures", next.id);
  });
  const isThere = status === "succeeded" && image !== undefined;
  const isWaiting = send.isWaiting || again.isWaiting;
  return (
    <div class="deeds">
      {isWaiting && <p role="status">{shellWords("still_sending")}</p>}
      {send.failure && <Notice failure={send.failure} />}
      {again.failure && <Notice failure={again.failure} wouldCost />}
      {isThere && (
        <>
          <Button size="l" stretched before={<SendIcon />} loading={send.isBusy} onClick={() => send.run()}>
            {pictureWords("send")}
          </Button>
          {hasScreen("edit") && (
            <Button size="l" stretched mode="bezeled" before={<EditIcon />} onClick={() => goTo("edit", id)}>
              {pictureWords("edit_this")}
            </Button>
          )}
          <Button
            size="l"
            stretched
            mode="bezeled"
            before={<DownloadIcon />}
            onClick={() => savePicture(image, nameOfFile(id))}
          >
            {pictureWords("download")}
          </Button>
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
        {pictureWords("again")} <PriceTag action={ACTION_OF[type]} />
      </Button>
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
      {isAsking && <DeleteDialog id={id} onClose={() => setAsking(false)} />}
    </div>
  );
}

const nameOfFile = (id: string): string => `atelier-${id}.jpg`;

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
