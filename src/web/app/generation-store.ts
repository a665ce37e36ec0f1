import { useEffect, useState } from "preact/hooks";
import { type AnswerOf, answerOf, api, type CallFailure } from "../kit/api.ts";
import { failureOf, type Loaded } from "../kit/loading.ts";
import { createStore } from "../kit/store.ts";
import { type LiveFrame, onLive } from "./live.ts";

/**
 * The generations that the page knows, one copy of each. Events move them along; what an event does not carry (place in the
 * queue, pictures, why it failed) is read from the server, whose row is the truth.
 */

export type Generation = AnswerOf<typeof api.generations.get>["items"][number];

const known = createStore<ReadonlyMap<string, Generation>>(new Map());
/** A place in the queue and an estimate have no events of their own. */
const ASK_AGAIN_MS = 5_000;
const READ_TRIES_MAX = 6;
const READ_PAUSE_MS = 1_500;

export const isFinal = ({ status }: Pick<Generation, "status">): boolean =>
  status === "succeeded" || status === "failed" || status === "cancelled";

/** Takes in what an answer said: of an order, of a list. What ended stays ended, and progress never falls. */
export function rememberGeneration(...fresh: readonly Generation[]): void {
  const next = new Map(known.read());
  for (const generation of fresh) {
    const before = next.get(generation.id);
    if (before && isFinal(before) && !isFinal(generation)) continue;
    next.set(generation.id, { ...generation, progress: Math.max(before?.progress ?? 0, generation.progress) });
  }
  known.write(next);
}

export function forgetGeneration(id: string): void {
  const next = new Map(known.read());
  next.delete(id);
  known.write(next);
}

/** Reads one anew. Throws a `CallFailure`. */
export async function readGeneration(id: string): Promise<Generation> {
  const generation = await answerOf(api.generations({ id }).get());
  rememberGeneration(generation);
  return generation;
}

/** One generation, as fresh as it can be known: while it is in work the page follows it by itself. */
export function useGeneration(id: string): Loaded<Generation> {
  const value = known.use().get(id) ?? null;
  const [failure, setFailure] = useState<CallFailure | null>(null);
  const [isLoading, setLoading] = useState(true);
  const reload = () => {
    setLoading(true);
    readGeneration(id)
      .then(
        () => setFailure(null),
        (error: unknown) => setFailure(failureOf(error)),
      )
      .finally(() => setLoading(false));
  };
  useEffect(reload, [id]);
  const isWaiting = value !== null && !isFinal(value);
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [id, isWaiting]);
  return { value, failure, isLoading, reload };
}

/** What the page knows of these, in place of an older copy that a list brought. */
export function useNewest(generations: readonly Generation[]): readonly Generation[] {
  const now = known.use();
  return generations.map((one) => now.get(one.id) ?? one);
}

/** What is in work, newest first; after a reload the server says it again. */
export function useActiveGenerations(type?: Generation["type"]): readonly Generation[] {
  return [...known.use().values()]
    .filter((one) => !isFinal(one) && (type === undefined || one.type === type))
    .sort((one, other) => (one.id < other.id ? 1 : -1));
}

/** Follows the events; the answer stops it and forgets whose generations they were. */
export function followGenerations(): () => void {
  const stop = onLive(take);
  return () => {
    stop();
    known.write(new Map());
  };
}

function take(frame: LiveFrame): void {
  if (frame.type === "hello") {
    rememberGeneration(...frame.active);
    const active = new Set(frame.active.map(({ id }) => id));
    for (const one of known.read().values()) if (!isFinal(one) && !active.has(one.id)) readAtLast(one.id);
    return;
  }
  if (frame.type === "payment.succeeded") return void seeCleanCopies();
  if (frame.type === "generation.started" || frame.type === "generation.progress") {
    const { data } = frame;
    const before = known.read().get(data.id);
    if (!before) return void readAtLast(data.id);
    const { queue_position: _, ...rest } = before;
    rememberGeneration({ ...rest, ...data, progress: "progress" in data ? data.progress : before.progress });
  } else if (
    frame.type === "generation.queued" ||
    frame.type === "generation.succeeded" ||
    frame.type === "generation.failed" ||
    frame.type === "generation.cancelled"
  ) {
    readAtLast(frame.data.id);
  }
}

/** A purchase takes the watermark off what is stored; that is done a moment after the payment, and has no event of its own. */
async function seeCleanCopies(): Promise<void> {
  for (let tries = 0; tries < READ_TRIES_MAX; tries += 1) {
    const marked = [...known.read().values()].filter(
      ({ watermarked, status }) => watermarked && status === "succeeded",
    );
    if (marked.length === 0) return;
    await Promise.all(marked.map(({ id }) => readAtLast(id)));
    await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS));
  }
}

/** Reads one however bad the network is. What is gone is forgotten. */
async function readAtLast(id: string): Promise<void> {
  for (let tries = 0; tries < READ_TRIES_MAX; tries += 1) {
    try {
      await readGeneration(id);
      return;
    } catch (error) {
      if (failureOf(error).problem?.status === 404) return forgetGeneration(id);
      await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS * (tries + 1)));
    }
  }
}
