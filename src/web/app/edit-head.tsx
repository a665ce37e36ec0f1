import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { useAction } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { EARLIER } from "./edit-history.tsx";
import { beginTalk, closeTalk, type Talk, talk } from "./edit-talk.ts";
import { leaveTurn, turn, turnFailure } from "./edit-turn.ts";
import { editWords } from "./words-edit.ts";

/** What can be done with the conversation as a whole. */
export function EditHead({ now }: { now: Talk }) {
  const [isAsking, setAsking] = useState(false);
  const isBusy = turn.use() !== null;
  const another = () => {
    leaveTurn();
    closeTalk();
  };
  return (
    <>
      <h1>{editWords("title")}</h1>
      <div class="edit-head">
        <button type="button" class="chip" onClick={another}>
          {editWords("other_photo")}
        </button>
        {now.sessionId !== null && (
          <button type="button" class="chip" disabled={isBusy} onClick={() => setAsking(true)}>
            {editWords("start_over")}
          </button>
        )}
        <a class="chip" href={addressOf("edit", EARLIER)}>
          {editWords("conversations")}
        </a>
      </div>
      {isAsking && <ResetDialog now={now} onClose={() => setAsking(false)} />}
    </>
  );
}

function ResetDialog({ now, onClose }: { now: Talk; onClose: () => void }) {
  const action = useAction(async () => {
    const { personId, origin, sessionId } = now;
    if (sessionId === null) return;
    const { session_id: fresh } = await answerOf(api.editing.reset.post({ session_id: sessionId }));
    turnFailure.write(null);
    if (talk.read()?.sessionId === sessionId) beginTalk(personId, origin, fresh);
  });
  return (
    <Dialog
      title={editWords("reset_title")}
      confirm={editWords("reset_do")}
      isDangerous
      action={action}
      onClose={onClose}
      onDone={onClose}
    >
      <p>{editWords("reset_text")}</p>
    </Dialog>
  );
}
