import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { common } from "../kit/common-words.ts";
import { usePages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Nothing } from "../kit/states.tsx";
import { stageOf } from "./generation-card.tsx";
import { type Generation, isFinal, useActiveGenerations, useNewest } from "./generation-store.ts";
import { PicturesIcon, WarningIcon } from "./icons.tsx";
import { useLive } from "./live.ts";
import { MorePages } from "./more-pages.tsx";
import { Shown } from "./notice.tsx";
import { nameOf, Picture } from "./picture.tsx";
import type { Screen } from "./screen.ts";
import { pictureWords } from "./words-pictures.ts";
import { shellWords } from "./words-shell.ts";

export const picturesScreen: Screen = {
  section: "pictures",
  title: () => shellWords("pictures"),
  found: "tab",
  icon: PicturesIcon,
  draw: (id) => (id === null ? <Pictures /> : <Picture id={id} />),
};

const KINDS = ["all", "fitting", "editing"] as const;
type Kind = (typeof KINDS)[number];
const PAGE_SIZE = 24;

/** All that the person has had made, newest first, with what is in work above it. */
function Pictures() {
  const [kind, setKind] = useState<Kind>("all");
  const pages = usePages(
    (cursor) =>
      answerOf(
        api.generations.get({
          query: {
            limit: PAGE_SIZE,
            ...(kind === "all" ? {} : { type: kind }),
            ...(cursor === undefined ? {} : { cursor }),
          },
        }),
      ),
    [kind],
  );
  useLive(({ type }) => {
    if (type === "hello" || type === "generation.succeeded") pages.reload();
  });
  return (
    <>
      <h1>{pictureWords("title")}</h1>
      <fieldset class="segments">
        <legend class="unseen">{pictureWords("show")}</legend>
        {KINDS.map((one) => (
          <button key={one} type="button" aria-pressed={one === kind} onClick={() => setKind(one)}>
            {pictureWords(one)}
          </button>
        ))}
      </fieldset>
      <Shown of={pages} waiting={<Waiting />}>
        {(items) => <Grid items={items} kind={kind} />}
      </Shown>
      <MorePages of={pages} />
    </>
  );
}

function Grid({ items, kind }: { items: readonly Generation[]; kind: Kind }) {
  const listed = useNewest(items);
  const active = useActiveGenerations(kind === "all" ? undefined : kind);
  const ordered = active.filter(({ id }) => !listed.some((one) => one.id === id));
  if (listed.length + ordered.length === 0) return <Nothing text={pictureWords("empty")} />;
  return (
    <ul class="grid">
      {[...ordered, ...listed].map((one) => (
        <li key={one.id}>
          <Tile generation={one} />
        </li>
      ))}
    </ul>
  );
}

function Tile({ generation }: { generation: Generation }) {
  const { id, status } = generation;
  const name = nameOf(generation);
  const picture = generation.preview_url ?? generation.image_url;
  return (
    <a class={`tile-picture ${status === "succeeded" ? "" : "tile-without"}`} href={addressOf("pictures", id)}>
      {status === "succeeded" && picture !== undefined ? (
        <img src={picture} alt={name} loading="lazy" decoding="async" />
      ) : (
        <span class="tile-state">
          {!isFinal(generation) && <progress max={100} value={generation.progress} aria-label={stageOf(generation)} />}
          {isFinal(generation) && <WarningIcon />}
          <span>{stageOf(generation)}</span>
          <span class="unseen">{name}</span>
        </span>
      )}
    </a>
  );
}

/** In the size of what comes. */
function Waiting() {
  return (
    <div class="grid" role="status">
      <span class="unseen">{common("loading")}</span>
      {[1, 2, 3, 4].map((one) => (
        <span key={one} class="tile-picture tile-waiting" />
      ))}
    </div>
  );
}
