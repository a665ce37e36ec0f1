import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api, type CallFailure } from "../kit/api.ts";
import { failureOf, usePages } from "../kit/loading.ts";
import { Nothing } from "../kit/states.tsx";
import { openTalk } from "./edit-talk.ts";
import { leaveTurn } from "./edit-turn.ts";
import { useMe } from "./entry.ts";
import { dayAndTime } from "./format.ts";
import { ForwardIcon } from "./icons.tsx";
import { MorePages } from "./more-pages.tsx";
import { goInstead } from "./navigation.ts";
import { Notice, Shown } from "./notice.tsx";
import { editWords } from "./words-edit.ts";

/** The place of earlier conversations; everything else below `edit` is the id of a picture to begin with. */
export const EARLIER = "earlier";

type Line = AnswerOf<typeof api.editing.sessions.get>["items"][number];

/** All conversations that are kept. */
export function EditHistory() {
  const { id: personId } = useMe();
  const pages = usePages(
    (cursor) => answerOf(api.editing.sessions.get({ query: cursor === undefined ? {} : { cursor } })),
    [],
  );
  return (
    <>
      <h1>{editWords("conversations")}</h1>
      <Shown of={pages}>
        {(lines) => {
          const sessions = lines.filter(({ message_count: count }) => count > 0);
          if (sessions.length === 0 && !pages.hasMore) return <Nothing text={editWords("no_earlier")} />;
          return <Conversations personId={personId} sessions={sessions} />;
        }}
      </Shown>
      <MorePages of={pages} />
    </>
  );
}

/** Each opens when it is tapped. */
export function Conversations({ personId, sessions }: { personId: string; sessions: readonly Line[] }) {
  const [opening, setOpening] = useState<string | null>(null);
  const [failure, setFailure] = useState<CallFailure | null>(null);
  const open = async (id: string) => {
    if (opening !== null) return;
    setOpening(id);
    setFailure(null);
    try {
      await openTalk(personId, id);
      leaveTurn();
      goInstead("edit");
    } catch (error) {
      setFailure(failureOf(error));
      setOpening(null);
    }
  };
  return (
    <>
      {failure && <Notice failure={failure} />}
      <ul class="rows">
        {sessions.map(({ session_id: id, last_message: last, updated_at: at }) => (
          <li key={id}>
            <button type="button" class="row" aria-busy={opening === id} onClick={() => open(id)}>
              <span class="row-text">
                <span class="edit-line">{last}</span>
                <small class="quiet">{dayAndTime(at)}</small>
              </span>
              <ForwardIcon />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
