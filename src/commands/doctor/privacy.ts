import { openErasures, waitingDeletions } from "../../features/privacy/index.ts";
import { HOUR_MS } from "../../platform/clock.ts";
import { type DoctorCheck, failed, ok, warning } from "./check.ts";

/** An erasure is through within minutes unless the storage refuses. */
const ERASURE_MS_MAX = HOUR_MS;
/** Refusals of one picture after which it is no passing trouble any more. */
const FAILURES_MAX = 3;

/** What has to be deleted is deleted. */
export const deletionsCheck: DoctorCheck = {
  name: "deletions",
  needs: ["DATABASE_URL", "DATA_DIR"],
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const [waiting, erasures] = [await waitingDeletions(ctx), await openErasures(ctx)];
    const lines: string[] = [];
    if (waiting.refused > 0) {
      const since = waiting.since?.toISOString() ?? "";
      lines.push(
        `${waiting.refused} pictures, due since ${since}, refused by the storage up to ${waiting.failures} times.`,
      );
    }
    const overdueMs = erasures.since === null ? 0 : ctx.clock.now().getTime() - erasures.since.getTime();
    const isOverdue = overdueMs > ERASURE_MS_MAX;
    if (isOverdue)
      lines.push(`${erasures.open} erasures are not through, the oldest since ${erasures.since?.toISOString()}.`);
    if (lines.length === 0) return ok("Nothing waits that the storage refused to delete.");
    const text =
      "Something that must go is still stored, though nobody can read it. Does the storage work, and a worker run? Then: atelier cleanup";
    return waiting.failures >= FAILURES_MAX || isOverdue ? failed(text, lines) : warning(text, lines);
  },
};
