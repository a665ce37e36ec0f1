import { createHash } from "node:crypto";
import type { Context } from "../../context.ts";
import { newId } from "../../platform/ids.ts";
import { type DeletedKind, type DeleteReason, deletions } from "./tables.ts";

/** One thing that was deleted. */
export interface Deletion {
  /** The id of what was deleted; left out for stored bytes that had none. */
  subjectId?: string;
  kind: DeletedKind;
  reason: DeleteReason;
  /** The storage name of a file, the id of anything else; only its hash is written down. */
  name: string;
}

/** Writes deletions into the journal, in the transaction that deletes where there is one. */
export async function journalDeletions(tx: Pick<Context, "db" | "clock">, deleted: readonly Deletion[]): Promise<void> {
  if (deleted.length === 0) return;
  const deletedAt = tx.clock.now();
  await tx.db.insert(deletions).values(
    deleted.map(({ subjectId, kind, reason, name }) => {
      const id = newId();
      return { id, subjectId: subjectId ?? id, kind, reason, nameHash: nameHash(name), deletedAt };
    }),
  );
}

/** How the journal names what is gone: whoever knows the name can look for it, and nobody learns it from there. */
export function nameHash(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}
