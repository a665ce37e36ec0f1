import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { usePrice } from "./balance.ts";
import { BasePicture } from "./edit-chain.tsx";
import type { Order } from "./edit-order.ts";
import { EditPicture } from "./edit-picture.tsx";
import { useFollowEnd } from "./edit-scroll.ts";
import { baseOf, changeTalk, type Message, type Talk, waitingIn, wishOf } from "./edit-talk.ts";
import { type TurnOnItsWay, turn, turnFailure } from "./edit-turn.ts";
import { Variants } from "./edit-variants.tsx";
import type { Generation } from "./generation-store.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { Notice } from "./notice.tsx";
import { editWords } from "./words-edit.ts";

type Item = { at: string; message: Message } | { at: string; picture: Generation };

/** All that was said and made, oldest first; the newest is in view. */
export function Timeline({ now, order }: { now: Talk; order: Order }) {
  const awaited = turn.use();
  const failure = turnFailure.use();
  const box = useFollowEnd(awaited?.message.id ?? null);
  // The server's copy of a message whose answer is awaited here stands as that.
  const said = awaited !== null && waitingIn(now.messages) !== null ? now.messages.slice(0, -1) : now.messages;
  const items = inOrder(said, now.pictures);
  const newest = now.pictures.findLast(({ status }) => status === "succeeded");
  const base = baseOf(now);
  // Who comes back from the shop has what was missing.
  const isOver = usePrice("chat_turn")?.isEnough && failure?.problem?.code === "insufficient_credits";
  const isBare = items.length === 0 && awaited === null;
  return (
    <div class="edit-timeline" ref={box}>
      {now.origin && (
        <div class="edit-origin">
          <BasePicture base={now.origin} />
        </div>
      )}
      {isBare && <Greeting />}
      <ol class="bubbles">
        {items.map((item, place) =>
          "message" in item ? (
            <Said
              key={item.message.id}
              message={item.message}
              isLast={place === items.length - 1 && awaited === null}
              order={order}
            />
          ) : (
            <Fragment key={item.picture.id}>
              <Mine words={wishOf(item.picture, now.messages)} />
              <li class="edit-picture">
                <EditPicture
                  generation={item.picture}
                  isNewest={item.picture.id === newest?.id}
                  isBase={item.picture.id === base?.id}
                />
              </li>
            </Fragment>
          ),
        )}
        {awaited && <Awaited now={awaited} />}
        {awaited === null && waitingIn(now.messages) !== null && <Writing />}
      </ol>
      <Heard awaited={awaited} />
      {failure && !isOver && <Notice failure={failure} wouldCost />}
      <IntentionNotice of={order} wouldCost />
    </div>
  );
}

function inOrder(messages: readonly Message[], pictures: readonly Generation[]): readonly Item[] {
  return [
    ...messages.map((message) => ({ at: message.timestamp, message })),
    ...pictures.map((picture) => ({ at: picture.created_at, picture })),
  ].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}

const IDEAS = ["idea_1", "idea_2", "idea_3"] as const;

function Greeting() {
  return (
    <div class="edit-greeting">
      <p class="bubble bubble-theirs">{editWords("greeting")}</p>
      <div class="edit-ideas">
        {IDEAS.map((idea) => (
          <button key={idea} type="button" class="chip" onClick={() => changeTalk({ draft: editWords(idea) })}>
            {editWords(idea)}
          </button>
        ))}
      </div>
    </div>
  );
}

function Mine({ words, error }: { words: string | null; error?: string | undefined }) {
  if (words === null) return null;
  return (
    <li class="bubble bubble-mine">
      <span class="unseen">{editWords("you")}: </span>
      {words}
      {error !== undefined && <small class="bubble-error">{editWords("not_answered")}</small>}
    </li>
  );
}

interface SaidProps {
  message: Message;
  isLast: boolean;
  order: Order;
}

function Said({ message: { role, content, variants, error }, isLast, order }: SaidProps) {
  if (role === "user") return <Mine words={content} error={error} />;
  return (
    <>
      <li class="bubble bubble-theirs">
        <span class="unseen">{editWords("assistant")}: </span>
        {content}
      </li>
      {variants && variants.length > 0 && (
        <li class="edit-variants">
          <Variants variants={variants} isOpen={isLast} order={order} />
        </li>
      )}
    </>
  );
}

/** A message and what is being written in answer to it. */
function Awaited({ now: { message, text, isWaiting } }: { now: TurnOnItsWay }) {
  return (
    <>
      <Mine words={message.content} />
      {text !== "" && (
        <li class="bubble bubble-theirs" aria-busy="true">
          {text}
          {!isWaiting && <span class="bubble-caret" aria-hidden="true" />}
        </li>
      )}
      {isWaiting ? <li class="edit-waits">{editWords("turn_waits")}</li> : text === "" && <Writing />}
    </>
  );
}

function Writing() {
  return (
    <li class="bubble bubble-theirs bubble-writing">
      <span class="unseen">{editWords("writing")}</span>
      <span aria-hidden="true" />
      <span aria-hidden="true" />
      <span aria-hidden="true" />
    </li>
  );
}

/** What is finished, up to its stop. */
const SENTENCES = /[^.!?…]+[.!?…]+(?=\s|$)\s*/g;

/** Says the answer to who does not see it: sentence by sentence, as each is finished. */
function Heard({ awaited }: { awaited: TurnOnItsWay | null }) {
  const [last, setLast] = useState("");
  if (awaited !== null && awaited.text !== last) setLast(awaited.text);
  const sentences = (awaited?.text ?? last).match(SENTENCES) ?? [];
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label={editWords("assistant")}>
      {awaited?.isWaiting ? (
        <p>{editWords("turn_waits")}</p>
      ) : (
        // Only what is added is read out, so what was finished keeps its place.
        sentences.map((sentence) => <span key={sentence}>{sentence}</span>)
      )}
    </div>
  );
}
