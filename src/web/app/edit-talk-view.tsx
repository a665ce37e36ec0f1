import { useEffect, useState } from "preact/hooks";
import type { CallFailure } from "../kit/api.ts";
import { failureOf } from "../kit/loading.ts";
import { Waiting } from "../kit/states.tsx";
import { EditComposer } from "./edit-composer.tsx";
import { EditHead } from "./edit-head.tsx";
import { useOrder } from "./edit-order.ts";
import { changeTalk, refreshTalk, type Talk, talk, waitingIn } from "./edit-talk.ts";
import { Timeline } from "./edit-timeline.tsx";
import { turn } from "./edit-turn.ts";
import { useNewest } from "./generation-store.ts";
import { useLive } from "./live.ts";
import { Notice } from "./notice.tsx";

/** How often an answer is looked for that another window waits for; an event says it sooner. */
const LOOK_AGAIN_MS = 10_000;

/** The open conversation: what was said and made, and where to write. */
export function EditTalk({ now }: { now: Talk }) {
  const failure = useFresh(now);
  const order = useOrder();
  return (
    <div class="edit">
      <EditHead now={now} />
      {failure.value && <Notice failure={failure.value} again={failure.again} />}
      {now.isKnown ? <Timeline now={now} order={order} /> : failure.value === null && <Waiting />}
      <EditComposer now={now} order={order} />
    </div>
  );
}

/** Keeps it as the server has it: read when it is opened, after a break, and when something about it was heard. */
function useFresh(now: Talk): { value: CallFailure | null; again: () => void } {
  const [value, setValue] = useState<CallFailure | null>(null);
  const refresh = () => {
    refreshTalk().then(
      () => setValue(null),
      // What is shown already needs no excuse; the line above says that there is no connection.
      (error: unknown) => setValue(talk.read()?.isKnown ? null : failureOf(error)),
    );
  };
  useEffect(refresh, []);
  useLive(({ type }) => {
    // While an answer is awaited here, its own line tells of it.
    if ((type === "hello" || type === "notice") && (turn.read() === null || !talk.read()?.isKnown)) refresh();
  });
  const awaited = turn.use();
  const isWaiting = waitingIn(now.messages) !== null && awaited === null;
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(refresh, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
  const pictures = useNewest(now.pictures);
  const isNews = pictures.some((one, place) => one !== now.pictures[place]);
  useEffect(() => {
    if (isNews) changeTalk({ pictures }, now);
  }, [isNews, pictures]);
  return { value, again: refresh };
}
