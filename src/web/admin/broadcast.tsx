import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { number } from "../kit/format.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { BroadcastDraft } from "./broadcast-draft.tsx";
import { type BroadcastRow, BroadcastState } from "./broadcasts.tsx";
import { mayAct } from "./entry.ts";
import { useLive } from "./live.ts";
import { Facts, Head, ReasonDialog, Tiles, When } from "./parts.tsx";
import { words } from "./words.ts";

type Deed = "test" | "start" | "stop";

/** One broadcast: tried on oneself, started, watched, stopped. */
export function Broadcast({ id }: { id: string }) {
  const broadcast = useLive(() => answerOf(api.admin.broadcasts({ id }).get()), [id], "broadcasts");
  const [deed, setDeed] = useState<Deed | "change" | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const finish = (sentence: string) => {
    setDeed(null);
    setDone(sentence);
    broadcast.reload();
  };
  return (
    <WhenLoaded of={broadcast}>
      {(value) => (
        <>
          <Head title={words("broadcast")}>{mayAct("owner") && <Deeds broadcast={value} begin={setDeed} />}</Head>
          {done && (
            <p class="done" role="status">
              {done}
            </p>
          )}
          <Counts broadcast={value} />
          <Facts
            rows={[
              [words("state"), <BroadcastState key="state" broadcast={value} />],
              [words("segment"), words(`segment_${value.segment}`)],
              [
                words("text_ru"),
                <span key="ru" class="words">
                  {value.text_ru}
                </span>,
              ],
              [
                words("text_en"),
                <span key="en" class="words" lang="en">
                  {value.text_en}
                </span>,
              ],
              [words("created"), <When key="created" at={value.created_at} />],
              [words("tested"), value.tested_at && <When key="tested" at={value.tested_at} />],
              [words("started"), value.started_at && <When key="started" at={value.started_at} />],
              [words("finished"), value.ended_at && <When key="ended" at={value.ended_at} />],
            ]}
          />
          {deed === "change" && (
            <BroadcastDraft
              broadcast={value}
              onClose={() => setDeed(null)}
              onDone={() => finish(words("change_done"))}
            />
          )}
          {deed !== null && deed !== "change" && (
            <ReasonDialog
              title={words(`broadcast_${deed}`)}
              confirm={words(`broadcast_${deed}`)}
              isDangerous={deed !== "test"}
              act={(reason) => answerOf(api.admin.broadcasts({ id })[deed].post({ reason }))}
              onClose={() => setDeed(null)}
              onDone={() => finish(words(`broadcast_${deed}_done`))}
            >
              <p>{words(`broadcast_${deed}_hint`)}</p>
            </ReasonDialog>
          )}
        </>
      )}
    </WhenLoaded>
  );
}

function Deeds({ broadcast, begin }: { broadcast: BroadcastRow; begin: (deed: Deed | "change") => void }) {
  if (broadcast.state === "running") {
    return (
      <Button size="s" onClick={() => begin("stop")}>
        {words("broadcast_stop")}
      </Button>
    );
  }
  if (broadcast.state !== "draft") return null;
  return (
    <>
      <Button size="s" mode="bezeled" onClick={() => begin("change")}>
        {words("broadcast_change")}
      </Button>
      <Button size="s" mode="bezeled" onClick={() => begin("test")}>
        {words("broadcast_test")}
      </Button>
      <Button size="s" disabled={broadcast.tested_at === null} onClick={() => begin("start")}>
        {words("broadcast_start")}
      </Button>
    </>
  );
}

function Counts({ broadcast: { counts, state } }: { broadcast: BroadcastRow }) {
  if (state === "draft") return null;
  return (
    <Tiles
      tiles={[
        [words("written"), number(counts.written)],
        [words("sent"), number(counts.sent)],
        [words("blocked_now"), number(counts.blocked)],
        [words("failed_count"), number(counts.failed)],
        [words("withdrawn"), number(counts.withdrawn)],
        [words("switched_off"), number(counts.switched_off)],
        [words("unreachable"), number(counts.unreachable)],
      ]}
    />
  );
}
