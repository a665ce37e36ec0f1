import { Button } from "@telegram-apps/telegram-ui";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { mayAct } from "./entry.ts";
import { Mark, ReasonDialog, type Tone } from "./parts.tsx";
import { words } from "./words.ts";

export type Job = AnswerOf<typeof api.admin.queue.jobs.get>["items"][number];
export type JobDeed = { kind: "retry_job" | "park_job"; job: Job } | { kind: "retry_all" };

const TONES: Readonly<Record<Job["state"], Tone>> = { ready: "quiet", leased: "good", parked: "bad" };

export function JobState({ job }: { job: Job }) {
  return <Mark tone={TONES[job.state]}>{words(`job_is_${job.state}`)}</Mark>;
}

/** What may be done to a job in its state; nothing for whoever may only look, and while a worker has it. */
export function JobButton({ job, begin }: { job: Job; begin: (deed: JobDeed) => void }) {
  if (!mayAct("owner") || job.state === "leased") return null;
  const kind = job.state === "parked" ? "retry_job" : "park_job";
  return (
    <Button size="s" mode="bezeled" onClick={() => begin({ kind, job })}>
      {words(kind)}
    </Button>
  );
}

interface JobDialogProps {
  deed: JobDeed;
  onDone: () => void;
  onClose: () => void;
}

export function JobDialog({ deed, onDone, onClose }: JobDialogProps) {
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
