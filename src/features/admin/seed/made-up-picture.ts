import { MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { makeHold } from "./made-up-hold.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";

const ERRORS = ["moderated", "provider_refused", "provider_unavailable", "timed_out", "internal_error"];
const FAILED_SHARE = 0.04;
const STOPPED_SHARE = 0.02;
const PICTURE_MILLICREDITS = 4_000;

/** A picture that ended one way or another. Returns the month whose free action it used, or null. */
export function makePicture(rows: Rows, maker: Maker, userId: string, createdAt: Date, packs: Pack[]): string | null {
  const { random, idAt, catalogue } = maker;
  const type = random() < 0.6 ? ("fitting" as const) : ("editing" as const);
  const action = type === "fitting" ? ("fitting" as const) : ("edit_generation" as const);
  const chance = random();
  const status =
    chance < FAILED_SHARE
      ? ("failed" as const)
      : chance < FAILED_SHARE + STOPPED_SHARE
        ? ("cancelled" as const)
        : ("succeeded" as const);
  const isMade = status === "succeeded";
  const finishedAt = new Date(createdAt.getTime() + (10 + random() * random() * 110) * SECOND_MS);
  const id = idAt(createdAt);
  const asked = { userId, operation: `generation:${id}`, action, price: catalogue.actions[action], isMade };
  const { holdId, credits, isFree, usedMonth } = makeHold(rows, maker, { ...asked, createdAt, finishedAt }, packs);
  rows.generations.push({
    id,
    userId,
    type,
    status,
    prompt: "",
    watermarked: false,
    holdId,
    creditsSpent: isMade ? credits : 0,
    freeAction: isFree,
    progress: isMade ? 100 : 0,
    attempt: status === "cancelled" ? 0 : 1,
    errorCode: status === "failed" ? (ERRORS[Math.floor(random() * ERRORS.length)] ?? "timed_out") : null,
    deadlineAt: new Date(createdAt.getTime() + 10 * MINUTE_MS),
    startedAt: createdAt,
    finishedAt,
    createdAt,
    updatedAt: finishedAt,
  });
  if (status !== "cancelled") {
    rows.generationAttempts.push({
      id: idAt(createdAt),
      generationId: id,
      number: 1,
      state: isMade ? "succeeded" : "failed",
      providerTaskId: `made-up-${id}`,
      polls: 3,
      costMillicredits: isMade ? PICTURE_MILLICREDITS : null,
      submittedAt: createdAt,
      acceptedAt: createdAt,
      endedAt: finishedAt,
    });
  }
  return usedMonth;
}
