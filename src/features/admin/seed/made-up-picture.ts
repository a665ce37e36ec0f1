import { MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { moscowMonth } from "../../../platform/moscow.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";

const ERRORS = ["moderated", "provider_refused", "provider_unavailable", "timed_out", "internal_error"];
const FAILED_SHARE = 0.04;
const STOPPED_SHARE = 0.02;
const PICTURE_MILLICREDITS = 4_000;

/** A picture that ended one way or another. Returns the month whose free action it used, or null. */
export function makePicture(
  rows: Rows,
  { random, idAt, catalogue }: Maker,
  userId: string,
  createdAt: Date,
  packs: Pack[],
): string | null {
  const type = random() < 0.6 ? ("fitting" as const) : ("editing" as const);
  const action = type === "fitting" ? ("fitting" as const) : ("edit_generation" as const);
  const price = catalogue.actions[action];
  const chance = random();
  const status =
    chance < FAILED_SHARE
      ? ("failed" as const)
      : chance < FAILED_SHARE + STOPPED_SHARE
        ? ("cancelled" as const)
        : ("succeeded" as const);
  const isMade = status === "succeeded";
  const finishedAt = new Date(createdAt.getTime() + (10 + random() * random() * 110) * SECOND_MS);
  const pack = packs.find((one) => one.paidAt <= createdAt && one.left >= price);
  const credits = pack ? price : 0;
  const id = idAt(createdAt);
  const holdId = idAt(createdAt);
  const freeMonth = pack ? null : moscowMonth(createdAt);
  const base = { userId, action, holdId, grantId: null };
  rows.creditHolds.push({
    id: holdId,
    userId,
    operation: `generation:${id}`,
    action,
    state: isMade ? "settled" : "released",
    credits,
    freeMonth,
    freeReturned: !pack && !isMade,
    createdAt,
    endedAt: finishedAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(createdAt),
    kind: "hold",
    cause: `hold:${holdId}`,
    balanceDelta: -credits,
    reservedDelta: credits,
    counterAccount: "none",
    counterDelta: 0,
    freeActionDelta: pack ? 0 : -1,
    createdAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(finishedAt),
    kind: isMade ? "settle" : "release",
    cause: `hold:${holdId}:end`,
    balanceDelta: isMade ? 0 : credits,
    reservedDelta: -credits,
    counterAccount: isMade ? "spent" : "none",
    counterDelta: isMade ? credits : 0,
    freeActionDelta: pack || isMade ? 0 : 1,
    createdAt: finishedAt,
  });
  if (pack) {
    rows.creditHoldParts.push({ holdId, grantId: pack.grantId, credits });
    if (isMade) pack.left -= credits;
  }
  rows.generations.push({
    id,
    userId,
    type,
    status,
    prompt: "",
    watermarked: false,
    holdId,
    creditsSpent: isMade ? credits : 0,
    freeAction: !pack,
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
  return pack || !isMade ? null : freeMonth;
}
