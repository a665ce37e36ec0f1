import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField } from "../kit/fields.tsx";
import { number, seconds, shortId } from "../kit/format.ts";
import type { Pages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { PagedTable, Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { type Job, JobButton, type JobDeed, JobDialog, JobState } from "./job-deeds.tsx";
import { useLive, useLivePages } from "./live.ts";
import { Head, Mark, Tiles, When } from "./parts.tsx";
import { words } from "./words.ts";

type Depth = AnswerOf<typeof api.admin.queue.get>;

/** How much work waits, who does it, and what was set aside. */
export function Queue() {
  const depth = useLive(() => answerOf(api.admin.queue.get()), [], "jobs");
  const [state, setState] = useState<Job["state"]>("parked");
  const jobs = useLivePages(
    (cursor) => answerOf(api.admin.queue.jobs.get({ query: { state, ...(cursor === undefined ? {} : { cursor }) } })),
    [state],
    "jobs",
  );
  const [deed, setDeed] = useState<JobDeed | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const begin = (next: JobDeed) => {
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
        <JobDialog
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

function Jobs({ jobs, begin }: { jobs: Pages<Job>; begin: (deed: JobDeed) => void }) {
  return (
    <PagedTable
      label={words("jobs")}
      pages={jobs}
      empty={words("jobs_none")}
      keyOf={(row) => row.id}
      columns={[
        {
          title: "ID",
          cell: (row) => (
            <a href={addressOf("queue", row.id)} title={row.id}>
              {shortId(row.id)}
            </a>
          ),
        },
        { title: words("kind"), cell: (row) => row.kind },
        { title: words("state"), cell: (row) => <JobState job={row} /> },
        { title: words("error"), cell: (row) => row.parked_reason ?? row.last_error },
        { title: words("failures"), cell: (row) => number(row.failures), isNumber: true },
        { title: words("due_at"), cell: (row) => <When at={row.run_at} /> },
        {
          title: words("deeds"),
          cell: (row) => <JobButton job={row} begin={begin} />,
        },
      ]}
    />
  );
}
