import { useEffect, useRef } from "preact/hooks";
import { type Base, baseOf, chainOf, chooseBase, type Talk } from "./edit-talk.ts";
import { useGeneration } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { editWords } from "./words-edit.ts";

/** The chain of edits: what it began with and every picture that came of it. The next change begins with the marked one. */
export function EditChain({ now }: { now: Talk }) {
  const chain = chainOf(now);
  const base = baseOf(now);
  const strip = useRef<HTMLDivElement>(null);
  const count = chain.length;
  useEffect(() => {
    const { current } = strip;
    if (current) current.scrollLeft = current.scrollWidth;
  }, [count]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be scrolled sideways in every browser.
    <div class="chain" role="group" aria-label={editWords("chain")} ref={strip}>
      {chain.map((link, place) => (
        <Link
          key={link.id}
          link={link}
          name={nameOf(now, place)}
          isBase={link.id === base?.id}
          picture={pictureOf(now, link)}
        />
      ))}
    </div>
  );
}

const nameOf = ({ origin }: Talk, place: number): string =>
  place === 0 && origin !== null
    ? editWords("chain_photo")
    : editWords("chain_edit", { count: place + (origin === null ? 1 : 0) });

function pictureOf({ pictures }: Talk, { id }: Base): string | undefined {
  const made = pictures.find((one) => one.id === id);
  return made?.preview_url ?? made?.image_url;
}

interface LinkProps {
  link: Base;
  name: string;
  isBase: boolean;
  picture: string | undefined;
}

function Link({ link, name, isBase, picture }: LinkProps) {
  const choose = () => {
    feel("select");
    chooseBase(link);
  };
  return (
    <button type="button" class="chain-link" aria-pressed={isBase} aria-label={name} onClick={choose}>
      {picture === undefined ? <BasePicture base={link} /> : <img src={picture} alt="" />}
    </button>
  );
}

/** What a conversation began with. */
export function BasePicture({ base }: { base: Base }) {
  return base.kind === "photo" ? <img src={base.url} alt="" /> : <MadeEarlier id={base.id} />;
}

function MadeEarlier({ id }: { id: string }) {
  const { value } = useGeneration(id);
  const picture = value?.preview_url ?? value?.image_url;
  return picture === undefined ? <span class="chain-empty" /> : <img src={picture} alt="" />;
}
