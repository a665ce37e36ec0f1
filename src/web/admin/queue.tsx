import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField } from "../kit/fields.tsx";
import { number, seconds, shortId } from "../kit/format.ts";
import type { Pages } from "../kit/loading.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { PagedTable, Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { useLive, useLivePages } from "./live.ts";
import { Head, Mark, ReasonDialog, Tiles, type Tone, When } from "./parts.tsx";
import { words } from "./words.ts";

type Depth = AnswerOf<typeof api.admin.queue.get>;
type Job = AnswerOf<typeof api.admin.queue.jobs.get>["items"][number];
type State = Job["state"];
type Deed = { kind: "retry_job" | "park_job"; job: Job } | { kind: "retry_all" };

const TONES: Readonly<Record<State, Tone>> = { ready: "quiet", leased: "good", parked: "bad" };

/** How much work waits, who does it, and what was set aside. */
export function Queue() {
  const depth = useLive(() => answerOf(api.admin.queue.get()), [], "jobs");
  const [state, setState] = useState<State>("parked");
  const jobs = useLivePages(
    (cursor) => answerOf(api.admin.queue.jobs.get({ query: { state, ...(cursor === undefined ? {} : { cursor }) } })),
    [state],
    "jobs",
  );
  const [deed, setDeed] = useState<Deed | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const begin = (next: Deed) => {
    setDone(null);
    setDeed(next);
  };
  return (
    <>
      <Head title={words("queue")}>
        {mayAct("owner") && (depth.value?.parked ?? 0) > 0 && (
          <Button size="s" onClick={() => begin({ kind: "retry_all" })}>
            {words("retry_all")}
          </Button>
        )}
      </Head>
      {done && (
        <p class="done" role="status">
          {done}
        </p>
      )}
      <WhenLoaded of={depth}>{(value) => <DepthOf depth={value} />}</WhenLoaded>
      <h2>{words("jobs")}</h2>
      <div class="bar">
        <ChoiceField
          label={words("state")}
          value={state}
          onChange={setState}
          choices={[
            ["parked", words("job_parked")],
            ["ready", words("job_ready")],
            ["leased", words("job_leased")],
          ]}
        />
      </div>
      <Jobs jobs={jobs} begin={begin} />
      {deed && (
        <DeedDialog
          deed={deed}
          onClose={() => setDeed(null)}
          onDone={() => {
            setDone(words(`${deed.kind}_done`));
            setDeed(null);
            depth.reload();
            jobs.reload();
          }}
        />
      )}
    </>
  );
}

function DepthOf({ depth }: { depth: Depth }) {
  return (
    <>
      <Tiles
        tiles={[
          [words("job_due"), number(depth.due)],
          [words("job_ready"), number(depth.ready)],
          [words("job_leased"), number(depth.leased)],
          [words("job_parked"), number(depth.parked)],
          [words("oldest"), depth.oldest_due_ms === null ? "—" : seconds(depth.oldest_due_ms / 1_000)],
        ]}
      />
      <h2>{words("workers")}</h2>
      <Table
        label={words("workers")}
        rows={depth.workers}
        keyOf={(row) => row.id}
        columns={[
          { title: words("name"), cell: (row) => `${row.hostname} · ${row.process_id}` },
          {
            title: words("state"),
            cell: (row) => <Mark tone={row.alive ? "good" : "bad"}>{words(row.alive ? "alive" : "silent")}</Mark>,
          },
          { title: words("jobs"), cell: (row) => number(row.jobs_in_hand), isNumber: true },
          { title: words("started"), cell: (row) => <When at={row.started_at} /> },
        ]}
      />
    </>
  );
}

function Jobs({ jobs, begin }: { jobs: Pages<Job>; begin: (deed: Deed) => void }) {
  return (
    <PagedTable
      label={words("jobs")}
      pages={jobs}
      empty={words("jobs_none")}
      keyOf={(row) => row.id}
      columns={[
        { title: "ID", cell: (row) => <code title={row.id}>{shortId(row.id)}</code> },
        { title: words("kind"), cell: (row) => row.kind },
        { title: words("state"), cell: (row) => <Mark tone={TONES[row.state]}>{words(`job_${row.state}`)}</Mark> },
        { title: words("error"), cell: (row) => row.parked_reason ?? row.last_error },
        { title: words("failures"), cell: (row) => number(row.failures), isNumber: true },
        { title: words("due_at"), cell: (row) => <When at={row.run_at} /> },
        {
          title: words("deeds"),
          cell: (row) =>
            mayAct("owner") && row.state === "parked" ? (
              <Button size="s" mode="bezeled" onClick={() => begin({ kind: "retry_job", job: row })}>
                {words("retry_job")}
              </Button>
            ) : mayAct("owner") && row.state === "ready" ? (
              <Button size="s" mode="bezeled" onClick={() => begin({ kind: "park_job", job: row })}>
                {words("park_job")}
              </Button>
            ) : null,
        },
      ]}
    />
  );
}

function DeedDialog({ deed, onDone, onClose }: { deed: Deed; onDone: () => void; onClose: () => void }) {
  const act = async (reason: string) => {
    if (deed.kind === "retry_all") return answerOf(api.admin.queue.retry.post({ reason }));
    const job = api.admin.queue.jobs({ id: deed.job.id });
    return answerOf(deed.kind === "retry_job" ? job.retry.post({ reason }) : job.park.post({ reason }));
  };
  return (
    <ReasonDialog title={words(deed.kind)} confirm={words(deed.kind)} act={act} onDone={onDone} onClose={onClose}>
      <p>{deed.kind === "retry_all" ? words("retry_all_hint") : deed.job.kind}</p>
    </ReasonDialog>
  );
}
