import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useAction } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { type Generation, isFinal, readGeneration, useGeneration } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { Notice, Shown } from "./notice.tsx";
import { toast } from "./toast.tsx";
import { partWords } from "./words-parts.ts";
import { shellWords } from "./words-shell.ts";

const MINUTE_SECONDS = 60;
/** From here on an estimate says nothing any more. */
const ALMOST_PERCENT = 95;

interface GenerationCardProps {
  id: string;
  /** What is shown of one that succeeded; otherwise its picture, leading to its place. */
  children?: (done: Generation) => ComponentChildren;
  /** Called once, when it ends before the eyes of the person. */
  onEnd?: (ended: Generation) => void;
  /** What a person can do about one that failed or was cancelled, such as a button to try again. */
  actions?: ComponentChildren;
}

/** One generation on its way: where it stands, how long it will take, how it ended and that a failure cost nothing. */
export function GenerationCard({ id, children, onEnd, actions }: GenerationCardProps) {
  const generation = useGeneration(id);
  const wasWaiting = useRef(false);
  const { value } = generation;
  useEffect(() => {
    if (value === null) return;
    if (isFinal(value) && wasWaiting.current) {
      feel(value.status === "succeeded" ? "success" : "failure");
      onEnd?.(value);
    }
    wasWaiting.current = !isFinal(value);
  }, [value?.status]);
  return (
    <div class="generation" aria-busy={value !== null && !isFinal(value)}>
      <Shown of={generation}>
        {(one) => {
          if (!isFinal(one)) return <OnItsWay generation={one} />;
          if (one.status === "succeeded") return children ? children(one) : <Result generation={one} />;
          return <NotMade generation={one} actions={actions} />;
        }}
      </Shown>
    </div>
  );
}

function OnItsWay({ generation }: { generation: Generation }) {
  const cancel = useAction(async () => {
    const { status } = await answerOf(api.generations({ id: generation.id }).cancel.post());
    if (status === "cancel_requested") toast(partWords("cancel_asked"));
    if (status === "already_finished") toast(partWords("cancel_late"));
    await readGeneration(generation.id);
  });
  return (
    <div class="on-its-way">
      <p class="on-its-way-stage" role="status">
        {stageOf(generation)}
      </p>
      <progress max={100} value={generation.progress} aria-label={partWords("progress")} />
      <p class="on-its-way-time">{timeLeft(generation)}</p>
      <p class="quiet">{partWords("may_leave")}</p>
      {cancel.failure && <Notice failure={cancel.failure} />}
      <Button type="button" size="m" mode="gray" loading={cancel.isBusy} onClick={() => cancel.run()}>
        {partWords("cancel_it")}
      </Button>
    </div>
  );
}

export function stageOf({ status, progress, queue_position: position }: Generation): string {
  if (status === "queued")
    return position === undefined ? partWords("queued") : partWords("queued_at", { count: position });
  if (status === "finishing" || progress >= ALMOST_PERCENT) return partWords("almost");
  if (status === "succeeded") return partWords("ready");
  if (status === "failed") return partWords("failed");
  return status === "cancelled" ? partWords("cancelled") : partWords("making");
}

function timeLeft({ eta_seconds: seconds, progress }: Generation): string {
  // The line stays, so that nothing below it jumps.
  if (seconds === undefined || seconds === 0 || progress >= ALMOST_PERCENT) return "\u00a0";
  return seconds < MINUTE_SECONDS
    ? partWords("about_seconds", { count: Math.ceil(seconds) })
    : partWords("about_minutes", { count: Math.round(seconds / MINUTE_SECONDS) });
}

function Result({ generation }: { generation: Generation }) {
  return (
    <a class="result" href={addressOf("pictures", generation.id)}>
      <img src={generation.image_url ?? generation.preview_url ?? ""} alt={partWords("ready")} />
    </a>
  );
}

function NotMade({ generation, actions }: { generation: Generation; actions: ComponentChildren }) {
  const { error } = generation;
  const notCharged = shellWords("not_charged");
  return (
    <div class="failure" role="alert">
      <strong>{stageOf(generation)}</strong>
      {error && <p>{error.detail}</p>}
      {generation.credits_spent === 0 && !error?.detail.includes(notCharged) && <p>{notCharged}</p>}
      {actions && <div class="notice-buttons">{actions}</div>}
    </div>
  );
}
