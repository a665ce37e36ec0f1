import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField, TextField } from "../kit/fields.tsx";
import { money, thisMonth } from "../kit/format.ts";
import type { Pages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { PagedTable } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { useLive, useLivePages } from "./live.ts";
import { DownloadButton, Head, Mark, ReasonDialog, type Tone, When } from "./parts.tsx";
import { TaxRegistration } from "./tax-registration.tsx";
import { TaxSums } from "./tax-sums.tsx";
import { words } from "./words.ts";

export type Entry = AnswerOf<typeof api.admin.tax.entries.get>["items"][number];
type State = Entry["state"];

const TONES: Readonly<Record<State, Tone>> = {
  ready: "warn",
  unknown: "bad",
  registered: "good",
  annulled: "quiet",
};

/** A month of the tax journal: what to pay on, how near the limits are, what waits to be registered. */
export function Tax() {
  const [month, setMonth] = useState(thisMonth());
  const [state, setState] = useState<State | "">("");
  const asked = /^\d{4}-\d{2}$/.test(month) ? month : thisMonth();
  const sums = useLive(() => answerOf(api.admin.tax.get({ query: { month: asked } })), [asked], "payments", "audit");
  const entries = useLivePages(
    (cursor) =>
      answerOf(
        api.admin.tax.entries.get({
          query: { month: asked, ...(state === "" ? {} : { state }), ...(cursor === undefined ? {} : { cursor }) },
        }),
      ),
    [asked, state],
    "payments",
    "audit",
  );
  const [deed, setDeed] = useState<{ kind: "register" | "annul"; entry: Entry } | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const finish = (sentence: string) => {
    setDeed(null);
    setDone(sentence);
    sums.reload();
    entries.reload();
  };
  const begin = (kind: "register" | "annul", entry: Entry) => {
    setDone(null);
    setDeed({ kind, entry });
  };
  return (
    <>
      <Head title={words("tax")}>
        {mayAct("owner") && (
          <DownloadButton path={`/api/v1/admin/tax/export?month=${asked}`} fileName={`tax-${asked}.csv`} />
        )}
      </Head>
      {done && (
        <p class="done" role="status">
          {done}
        </p>
      )}
      <div class="bar">
        <TextField label={words("month")} type="month" value={month} onChange={setMonth} />
        <ChoiceField
          label={words("state")}
          value={state}
          onChange={setState}
          choices={[
            ["", words("people_all")],
            ...(Object.keys(TONES) as State[]).map((one) => [one, words(`tax_${one}`)] as const),
          ]}
        />
      </div>
      <WhenLoaded of={sums}>{(value) => <TaxSums month={value} />}</WhenLoaded>
      <h2>{words("journal")}</h2>
      <Entries entries={entries} begin={begin} />
      {deed?.kind === "register" && (
        <TaxRegistration
          entry={deed.entry}
          onClose={() => setDeed(null)}
          onDone={() => finish(words("register_done"))}
        />
      )}
      {deed?.kind === "annul" && (
        <ReasonDialog
          title={words("annul")}
          confirm={words("annul")}
          act={(reason) => answerOf(api.admin.tax.entries({ id: deed.entry.id }).annul.post({ reason }))}
          onClose={() => setDeed(null)}
          onDone={() => finish(words("annul_done"))}
        >
          <p>{words("annul_hint")}</p>
        </ReasonDialog>
      )}
    </>
  );
}

interface EntriesProps {
  entries: Pages<Entry>;
  begin: (kind: "register" | "annul", entry: Entry) => void;
}

function Entries({ entries, begin }: EntriesProps) {
  const isOpen = (entry: Entry) => ["ready", "unknown"].includes(entry.state);
  return (
    <PagedTable
      label={words("journal")}
      pages={entries}
      empty={words("tax_none")}
      keyOf={(row) => row.id}
      columns={[
        {
          title: words("date"),
          cell: (row) => (
            <a href={addressOf("payments", row.payment_id)}>
              <When at={row.operation_at} />
            </a>
          ),
        },
        { title: words("amount"), cell: (row) => money(row.gross_kopecks), isNumber: true },
        { title: words("tax"), cell: (row) => money(row.tax_kopecks), isNumber: true },
        {
          title: words("state"),
          cell: (row) => (
            <span>
              <Mark tone={TONES[row.state]}>{words(`tax_${row.state}`)}</Mark>{" "}
              {row.annul_due && <Mark tone="warn">{words("annul_due")}</Mark>}{" "}
              {row.test && <Mark tone="quiet">{words("test")}</Mark>}
            </span>
          ),
        },
        { title: words("receipt"), cell: (row) => <Receipt entry={row} /> },
        {
          title: words("deeds"),
          cell: (row) =>
            mayAct("owner") && isOpen(row) ? (
              <Button size="s" mode="bezeled" onClick={() => begin("register", row)}>
                {words("register")}
              </Button>
            ) : mayAct("owner") && row.annul_due ? (
              <Button size="s" mode="bezeled" onClick={() => begin("annul", row)}>
                {words("annul")}
              </Button>
            ) : null,
        },
      ]}
    />
  );
}

/** The link was typed by an operator: only an https one becomes a link. */
function Receipt({ entry }: { entry: Entry }) {
  if (entry.receipt_url?.startsWith("https://")) {
    return (
      <a href={entry.receipt_url} target="_blank" rel="noreferrer noopener">
        {entry.receipt ?? words("receipt")}
      </a>
    );
  }
  return entry.receipt === null ? null : <span>{entry.receipt}</span>;
}
