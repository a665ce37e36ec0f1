import { entry } from "./entry.ts";

/**
 * What a tab still knows after a reload, of the person who is in and of nobody else: ids and choices, never a picture. It
 * goes with the tab.
 */

const STORED_AS = "atelier.kept";

interface Kept {
  person: string;
  values: Record<string, unknown>;
}

/** Undefined where nothing is known, or where storage is forbidden. */
export function recall(name: string): unknown {
  return read()?.values[name];
}

/** Undefined forgets it. */
export function keepInTab(name: string, value: unknown): void {
  const person = personId();
  if (person === null) return;
  const values = { ...read()?.values, [name]: value };
  write({ person, values });
}

/** For whoever comes in after somebody else. */
export function forgetTab(): void {
  write(null);
}

function personId(): string | null {
  const now = entry.read();
  return now.state === "in" ? now.me.id : null;
}

function read(): Kept | null {
  const person = personId();
  const kept = stored();
  if (kept === null || kept.person === person) return kept;
  // The tab has become somebody else's.
  if (person !== null) write(null);
  return null;
}

function stored(): Kept | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
    const isKept = typeof kept === "object" && kept !== null && "person" in kept && "values" in kept;
    return isKept ? (kept as Kept) : null;
  } catch {
    return null;
  }
}

function write(kept: Kept | null): void {
  try {
    if (kept === null) sessionStorage.removeItem(STORED_AS);
    else sessionStorage.setItem(STORED_AS, JSON.stringify(kept));
  } catch {
    // Storage may be forbidden; then a reload forgets.
  }
}
