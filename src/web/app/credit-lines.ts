import type { AnswerOf, api } from "../kit/api.ts";

export type Entry = AnswerOf<typeof api.balance.entries.get>["items"][number];

/** What people see as one thing: an operation with its charge and its return, or credits that came or went. */
export type CreditLine =
  | {
      type: "operation";
      id: string;
      action: string;
      at: string;
      /** What it took, or would have taken; 0 for a free action. */
      credits: number;
      end: "held" | "spent" | "returned";
      /** Of an operation that came back: whether its free action did too. */
      isFreeReturned: boolean;
    }
  | { type: "movement"; id: string; kind: Entry["kind"]; action: string; at: string; credits: number };

/**
 * The journal as people read it: the entries of one operation are one line, at the place of the newest. Each entry alone says
 * enough, since the others may lie on a page that was not read yet.
 */
export function creditLines(entries: readonly Entry[]): CreditLine[] {
  const lines: CreditLine[] = [];
  const operations = new Map<string, Extract<CreditLine, { type: "operation" }>>();
  for (const entry of entries) {
    const { id, kind, action, credits, created_at: at, hold_id: holdId } = entry;
    if (holdId === null) {
      lines.push({ type: "movement", id, kind, action, at, credits });
      continue;
    }
    const known = operations.get(holdId);
    if (known) {
      // Older than what is known: it began then.
      known.at = at;
      continue;
    }
    const line = {
      type: "operation" as const,
      id,
      action,
      at,
      // Each of the three moves what was held, in or out.
      credits: Math.abs(entry.reserved),
      end: kind === "hold" ? ("held" as const) : kind === "settle" ? ("spent" as const) : ("returned" as const),
      isFreeReturned: entry.free_action > 0,
    };
    operations.set(holdId, line);
    lines.push(line);
  }
  return lines;
}
