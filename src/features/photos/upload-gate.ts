import { Refusal } from "../../platform/errors.ts";
import { stepAside } from "../../platform/http/in-hand.ts";

/** Uploads that are read and worked on at once. */
const READING_COUNT_MAX = 8;
/** Of one person: whoever lets eight bodies trickle in must not keep everybody else waiting for their deadline. */
const READING_PER_PERSON_MAX = 2;
/** Uploads that may wait; beyond that the server says so at once instead of letting people wait in vain. */
const WAITING_COUNT_MAX = 200;
/** Of one person, so that a burst of theirs leaves places for others. */
const WAITING_PER_PERSON_MAX = 64;
/**
 * What those who wait have announced, together. Bun 1.4.5 takes the beginning of a body in whether anybody reads it or not, and
 * stops reading its connection at 1.3 MiB (40 unread ones of 1.9, 4 and 10 MB took that much each in a probe). Their number
 * alone would bound the memory at 260 MiB on this version, and at two gigabytes on one without that stop.
 */
const WAITING_BYTES_MAX = 256 * 1024 * 1024;
/** Two photos and what is around them: what a body is taken for that does not say how long it is. */
const BODY_BYTES_ASSUMED = 10 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 5;

/** Lets a bounded number of uploads in, each person's in their order. */
export interface UploadGate {
  /**
   * Runs `work` once there is a place for this person. Throws the refusal `busy` where too many wait. Meanwhile the
   * request does not count among those in hand: this gate is its limit.
   */
  pass<T>(personId: string, request: Request, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  personId: string;
  bytes: number;
  enter(): void;
}

/** Makes the gate of one API process. */
export function createUploadGate(): UploadGate {
  const waiting: Waiting[] = [];
  const inside = new Map<string, number>();
  let insideCount = 0;

  const insideOf = (personId: string) => inside.get(personId) ?? 0;
  const mayEnter = (personId: string) => insideCount < READING_COUNT_MAX && insideOf(personId) < READING_PER_PERSON_MAX;
  const enter = (personId: string) => {
    insideCount += 1;
    inside.set(personId, insideOf(personId) + 1);
  };
  const leave = (personId: string) => {
    insideCount -= 1;
    if (insideOf(personId) > 1) inside.set(personId, insideOf(personId) - 1);
    else inside.delete(personId);
    // One place became free, so at most one can follow.
    const index = waiting.findIndex((other) => mayEnter(other.personId));
    const [next] = index === -1 ? [] : waiting.splice(index, 1);
    if (!next) return;
    enter(next.personId);
    next.enter();
  };
  const waitForPlace = (personId: string, bytes: number): Promise<void> => {
    const mine = waiting.filter((other) => other.personId === personId).length;
    const bytesWaiting = waiting.reduce((sum, other) => sum + other.bytes, 0);
    const isFull = waiting.length >= WAITING_COUNT_MAX || bytesWaiting + bytes > WAITING_BYTES_MAX;
    if (isFull || mine >= WAITING_PER_PERSON_MAX) throw new Refusal("busy", { retry_after: RETRY_AFTER_SECONDS });
    return new Promise((resolve) => waiting.push({ personId, bytes, enter: resolve }));
  };

  return {
    async pass(personId, request, work) {
      stepAside(request);
      if (mayEnter(personId)) enter(personId);
      else await waitForPlace(personId, announcedBytes(request));
      try {
        return await work();
      } finally {
        leave(personId);
      }
    },
  };
}

function announcedBytes(request: Request): number {
  const announced = request.headers.get("content-length");
  return announced === null ? BODY_BYTES_ASSUMED : Number(announced);
}
