import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { number, shortId } from "../kit/format.ts";
import { addressOf } from "../kit/route.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { creditsOf, GenerationState } from "./generations.tsx";
import { useLive } from "./live.ts";
import { Facts, Head, PersonLink, ReasonDialog, When } from "./parts.tsx";
import { words } from "./words.ts";

const RUNNING = ["queued", "submitting", "running", "finishing"];

/** One picture with its tasks at the provider; a stuck one can be ended, a failed one made again. */
export function Generation({ id }: { id: string }) {
  const card = useLive(() => answerOf(api.admin.generations({ id }).get()), [id], "generations");
  const [deed, setDeed] = useState<"retry" | "release" | null>(null);
  const [done, setDone] = useState<string | null>(null);
  return (
    <WhenLoaded of={card}>
      {({ generation, attempts, hold, job, cancel_requested_at }) => (
        <>
          <Head title={`${words("generation")} ${shortId(id)}`}>
            {mayAct("support") && RUNNING.includes(generation.status) && (
              <Button size="s" onClick={() => setDeed("release")}>
                {words("release")}
              </Button>
            )}
            {mayAct("support") && ["failed", "cancelled"].includes(generation.status) && (
              <Button size="s" onClick={() => setDeed("retry")}>
                {words("retry")}
              </Button>
            )}
          </Head>
          {done && (
            <p class="done" role="status">
              {done}
            </p>
          )}
          <Facts
            rows={[
              [words("state"), <GenerationState key="state" generation={generation} />],
              [words("error"), generation.error],
              [words("person"), <PersonLink key="person" person={generation.person} />],
              [words("kind"), words(generation.type)],
              [words("progress"), `${generation.progress} %`],
              [words("credits"), `${creditsOf(generation)} · ${hold.state}`],
              [words("created"), <When key="created" at={generation.created_at} />],
              [words("finished"), generation.finished_at && <When key="finished" at={generation.finished_at} />],
              [words("deadline"), <When key="deadline" at={generation.deadline_at} />],
              [words("cancel_requested"), cancel_requested_at && <When key="cancel" at={cancel_requested_at} />],
              [
                words("job"),
                job && (
                  <a key="job" href={addressOf("queue", job.id)}>
                    {job.state}
                    {job.last_error ? ` · ${job.last_error}` : ""}
                  </a>
                ),
              ],
              ["ID", <code key="id">{generation.id}</code>],
            ]}
          />
          <h2>{words("attempts")}</h2>
          <Table
            label={words("attempts")}
            rows={attempts}
            keyOf={(row) => String(row.number)}
            columns={[
              { title: "№", cell: (row) => row.number, isNumber: true },
              { title: words("state"), cell: (row) => row.state },
              { title: words("error"), cell: (row) => row.failure },
              { title: "kie.ai", cell: (row) => row.provider_task_id },
              {
                title: words("cost"),
                cell: (row) => (row.cost_millicredits === null ? null : number(row.cost_millicredits / 1_000)),
                isNumber: true,
              },
              { title: words("created"), cell: (row) => <When at={row.submitted_at} /> },
              { title: words("finished"), cell: (row) => <When at={row.ended_at} /> },
            ]}
          />
          {deed && (
            <ReasonDialog
              title={words(deed)}
              confirm={words(deed)}
              act={(reason) => answerOf(api.admin.generations({ id })[deed].post({ reason }))}
              onClose={() => setDeed(null)}
              onDone={() => {
                setDone(words(`${deed}_done`));
                setDeed(null);
                card.reload();
              }}
            >
              <p>{words(`${deed}_hint`)}</p>
            </ReasonDialog>
          )}
        </>
      )}
    </WhenLoaded>
  );
}
