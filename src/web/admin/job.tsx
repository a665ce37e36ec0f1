import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { number, shortId } from "../kit/format.ts";
import { isMissing } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Nothing, WhenLoaded } from "../kit/states.tsx";
import { JobButton, type JobDeed, JobDialog, type Job as JobRow, JobState } from "./job-deeds.tsx";
import { useLive } from "./live.ts";
import { Facts, Head, Mark, When } from "./parts.tsx";
import { words } from "./words.ts";

type Card = AnswerOf<ReturnType<typeof api.admin.queue.jobs>["get"]>;

/** Where the things that a payload names have their pages. */
const SECTION_OF: Readonly<Record<string, string>> = {
  user_id: "people",
  generation_id: "generations",
  payment_id: "payments",
};

/** One job: what became of it so far, who has it in hand, and running it again or setting it aside. */
export function Job({ id }: { id: string }) {
  const card = useLive(() => answerOf(api.admin.queue.jobs({ id }).get()), [id], "jobs");
  const [deed, setDeed] = useState<JobDeed | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const sentence = done && (
    <p class="done" role="status">
      {done}
    </p>
  );
  // Whoever watches a job to its end sees it go: only what is not done is kept.
  if (isMissing(card)) {
    return (
      <>
        <Head title={`${words("job")} ${shortId(id)}`} />
        {sentence}
        <Nothing text={words("job_gone")} />
      </>
    );
  }
  return (
    <WhenLoaded of={card}>
      {(value) => (
        <>
          <Head title={`${words("job")} ${shortId(id)}`}>
            <JobButton
              job={value.job}
              begin={(next) => {
                setDone(null);
                setDeed(next);
              }}
            />
          </Head>
          {sentence}
          {!value.known_to_a_worker && <p class="warning">{words("job_unknown")}</p>}
          <JobFacts card={value} />
          <h2>{words("payload")}</h2>
          <Payload payload={value.job.payload} />
          {deed && (
            <JobDialog
              deed={deed}
              onClose={() => setDeed(null)}
              onDone={() => {
                setDone(words(`${deed.kind}_done`));
                setDeed(null);
                card.reload();
              }}
            />
          )}
        </>
      )}
    </WhenLoaded>
  );
}

function JobFacts({ card: { job, worker, priority, turn, unique_key } }: { card: Card }) {
  return (
    <Facts
      rows={[
        [words("kind"), <code key="kind">{job.kind}</code>],
        [words("state"), <JobState key="state" job={job} />],
        [words("parked_reason"), job.parked_reason],
        [words("error"), job.last_error],
        [words("failures"), number(job.failures)],
        [words("claims"), number(job.claims)],
        [
          words("worker"),
          worker && (
            <span key="worker">
              {worker.hostname} · {worker.process_id}{" "}
              <Mark tone={worker.alive ? "good" : "bad"}>{words(worker.alive ? "alive" : "silent")}</Mark>
            </span>
          ),
        ],
        [words("heartbeat"), worker && <When key="heartbeat" at={worker.heartbeat_at} />],
        [words("priority"), turn === 0 ? number(priority) : `${number(priority)} · ${number(turn)}`],
        [words("due_at"), <When key="due" at={job.run_at} />],
        [words("enqueued"), <When key="created" at={job.created_at} />],
        [words("updated"), <When key="updated" at={job.updated_at} />],
        [words("unique_key"), unique_key && <code key="unique">{unique_key}</code>],
        [words("request"), job.request_id && <code key="request">{job.request_id}</code>],
        ["ID", <code key="id">{job.id}</code>],
      ]}
    />
  );
}

/** Ids and words; the server leaves everything else out. */
function Payload({ payload }: { payload: JobRow["payload"] }) {
  const rows = Object.entries(payload).map(([name, value]) => [name, memberOf(name, value)] as const);
  return rows.length === 0 ? <Nothing /> : <Facts rows={rows} />;
}

function memberOf(name: string, value: unknown): ComponentChildren {
  const section = SECTION_OF[name];
  if (section !== undefined && typeof value === "string") {
    return <a href={addressOf(section, value)}>{shortId(value)}</a>;
  }
  return <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>;
}
