import { useEffect } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useLoaded } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Conversations, EARLIER } from "./edit-history.tsx";
import { beginTalk } from "./edit-talk.ts";
import { dayAndTime } from "./format.ts";
import { usePhoto } from "./photo.ts";
import { PhotoChooser } from "./photo-chooser.tsx";
import { editWords } from "./words-edit.ts";
import { pictureWords } from "./words-pictures.ts";

const PICTURES_SHOWN = 6;
const CONVERSATIONS_SHOWN = 3;

/** What is to be changed: a photo, a picture that was made here, or what was talked about before. */
export function EditStart({ personId }: { personId: string }) {
  const photo = usePhoto("photo");
  const { state, stored } = photo;
  useEffect(() => {
    if (state !== "ready" || stored === null) return;
    beginTalk(personId, { kind: "photo", id: stored.id, url: stored.url });
    photo.clear();
  }, [state, stored]);
  return (
    <>
      <h1>{editWords("title")}</h1>
      <PhotoChooser photo={photo} label={editWords("photo")} hint={editWords("photo_hint")} />
      <OwnPictures />
      <Earlier personId={personId} />
    </>
  );
}

function OwnPictures() {
  const { value } = useLoaded(
    () => answerOf(api.generations.get({ query: { status: "succeeded", limit: PICTURES_SHOWN } })),
    [],
  );
  const pictures = (value?.items ?? []).filter(({ image_url: image }) => image !== undefined);
  // A list that is empty or not there leaves the photo, which is the way in for everybody.
  if (pictures.length === 0) return null;
  return (
    <section class="edit-own">
      <h2>{editWords("from_pictures")}</h2>
      <ul class="grid">
        {pictures.map(({ id, type, created_at: at, preview_url: preview, image_url: image }) => (
          <li key={id}>
            <a class="tile-picture" href={addressOf("edit", id)}>
              <img
                src={preview ?? image ?? ""}
                alt={pictureWords(type === "fitting" ? "a_fitting" : "an_edit", { when: dayAndTime(at) })}
                loading="lazy"
                decoding="async"
              />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Earlier({ personId }: { personId: string }) {
  const { value } = useLoaded(() => answerOf(api.editing.sessions.get({ query: { limit: 10 } })), []);
  const sessions = (value?.items ?? []).filter(({ message_count: count }) => count > 0);
  if (sessions.length === 0) return null;
  return (
    <section class="edit-own">
      <h2>{editWords("earlier")}</h2>
      <Conversations personId={personId} sessions={sessions.slice(0, CONVERSATIONS_SHOWN)} />
      {sessions.length > CONVERSATIONS_SHOWN && <a href={addressOf("edit", EARLIER)}>{editWords("all_earlier")}</a>}
    </section>
  );
}
