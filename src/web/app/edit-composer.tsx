import { Button } from "@telegram-apps/telegram-ui";
import { useEffect, useId, useRef } from "preact/hooks";
import { usePrice } from "./balance.ts";
import { EditChain } from "./edit-chain.tsx";
import type { Order } from "./edit-order.ts";
import { useKeyboard } from "./edit-scroll.ts";
import { baseOf, changeTalk, closeTalk, type Talk } from "./edit-talk.ts";
import { leaveTurn, sayInTalk, turn } from "./edit-turn.ts";
import { SendIcon } from "./icons.tsx";
import { PriceTag } from "./price-tag.tsx";
import { editWords } from "./words-edit.ts";

/** What the server takes. */
const MESSAGE_LENGTH_MAX = 1_000;
/** From here on it is said how much room is left. */
const MESSAGE_LENGTH_LONG = 800;
/** With a keyboard of its own Enter sends; on glass it begins a new line. */
const HAS_KEYBOARD = matchMedia("(hover: hover) and (pointer: fine)").matches;

/** Where to write, with what is changed next above it; it stays above the tabs and the keyboard. */
export function EditComposer({ now, order }: { now: Talk; order: Order }) {
  useKeyboard();
  if (now.isKnown && baseOf(now) === null) return <Baseless />;
  return (
    <div class="edit-composer">
      <EditChain now={now} />
      <Field now={now} order={order} />
    </div>
  );
}

function Field({ now: { draft, isKnown }, order }: { now: Talk; order: Order }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  const isAwaited = turn.use() !== null;
  const words = draft.trim();
  const maySend = isKnown && words !== "" && !isAwaited;
  useEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight + 2}px`;
  }, [draft]);
  const send = () => {
    if (!maySend) return;
    order.clear();
    sayInTalk(words);
  };
  return (
    <>
      <form
        class="edit-field"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={field}
          rows={1}
          value={draft}
          maxLength={MESSAGE_LENGTH_MAX}
          placeholder={editWords("placeholder")}
          aria-label={editWords("field")}
          aria-describedby={hintId}
          enterkeyhint={HAS_KEYBOARD ? "send" : "enter"}
          onInput={(event) => changeTalk({ draft: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || !HAS_KEYBOARD) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" class="edit-send" aria-label={editWords("send")} disabled={!maySend}>
          <SendIcon />
        </button>
      </form>
      <div class="edit-under" id={hintId}>
        {draft.length > MESSAGE_LENGTH_LONG ? (
          <span class="price">{editWords("too_long", { count: draft.length })}</span>
        ) : (
          <Prices />
        )}
        {words !== "" && (
          <button
            type="button"
            class="edit-at-once"
            disabled={order.isBusy || !isKnown}
            onClick={() => order.make({ prompt: words })}
          >
            {editWords("at_once")}
          </button>
        )}
      </div>
    </>
  );
}

/** A free action pays either; otherwise each has its price. */
function Prices() {
  const price = usePrice("chat_turn");
  if (price === null || price.isFree) return <PriceTag action="chat_turn" />;
  return (
    <span>
      {editWords("answer_price")} <PriceTag action="chat_turn" /> · {editWords("picture_price")}{" "}
      <PriceTag action="edit_generation" />
    </span>
  );
}

/** The photo is past its time, and no picture came of it. */
function Baseless() {
  const another = () => {
    leaveTurn();
    closeTalk();
  };
  return (
    <div class="edit-composer">
      <p>{editWords("base_gone")}</p>
      <Button type="button" size="l" stretched onClick={another}>
        {editWords("other_photo")}
      </Button>
    </div>
  );
}
