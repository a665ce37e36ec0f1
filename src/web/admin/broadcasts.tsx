import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { number } from "../kit/format.ts";
import { addressOf } from "../kit/route.ts";
import { PagedTable } from "../kit/table.tsx";
import { BroadcastDraft } from "./broadcast-draft.tsx";
import { mayAct } from "./entry.ts";
import { useLivePages } from "./live.ts";
import { Head, Mark, type Tone, When } from "./parts.tsx";
import { words } from "./words.ts";

export type BroadcastRow = AnswerOf<typeof api.admin.broadcasts.get>["items"][number];

const TONES: Readonly<Record<BroadcastRow["state"], Tone>> = {
  draft: "quiet",
  running: "warn",
  finished: "good",
  stopped: "bad",
};

/** Messages to many people, the newest first. */
export function Broadcasts() {
  const [isDrafting, setDrafting] = useState(false);
  const pages = useLivePages(
    (cursor) => answerOf(api.admin.broadcasts.get({ query: cursor === undefined ? {} : { cursor } })),
    [],
    "broadcasts",
  );
  return (
    <>
      <Head title={words("broadcasts")}>
        {mayAct("owner") && (
          <Button size="s" onClick={() => setDrafting(true)}>
            {words("broadcast_new")}
          </Button>
        )}
      </Head>
      <PagedTable
        label={words("broadcasts")}
        pages={pages}
        empty={words("broadcasts_none")}
        keyOf={(row) => row.id}
        columns={[
          {
            title: words("created"),
            cell: (row) => (
              <a href={addressOf("broadcasts", row.id)}>
                <When at={row.created_at} />
              </a>
            ),
          },
          { title: words("segment"), cell: (row) => words(`segment_${row.segment}`) },
          { title: words("text"), cell: (row) => beginningOf(row.text_ru) },
          { title: words("state"), cell: (row) => <BroadcastState broadcast={row} /> },
          { title: words("sent"), cell: (row) => number(row.counts.sent), isNumber: true },
          { title: words("blocked_now"), cell: (row) => number(row.counts.blocked), isNumber: true },
          { title: words("failed_count"), cell: (row) => number(row.counts.failed), isNumber: true },
        ]}
      />
      {isDrafting && (
        <BroadcastDraft
          onClose={() => setDrafting(false)}
          onDone={(id) => {
            setDrafting(false);
            location.hash = addressOf("broadcasts", id);
          }}
        />
      )}
    </>
  );
}

export function BroadcastState({ broadcast }: { broadcast: BroadcastRow }) {
  return <Mark tone={TONES[broadcast.state]}>{words(`broadcast_${broadcast.state}`)}</Mark>;
}

const BEGINNING_LENGTH = 80;

const beginningOf = (text: string): string =>
  text.length > BEGINNING_LENGTH ? `${text.slice(0, BEGINNING_LENGTH)}…` : text;
