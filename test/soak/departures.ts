import { persist, type Resident, signIn } from "./resident.ts";

/** The last record of a zip; without it the file is not whole. */
const ZIP_END = Buffer.from("PK\x05\x06", "latin1");

export async function takeExport(resident: Resident): Promise<string> {
  const answer = await persist(resident, "/profile/export");
  if (answer?.status !== 200) return String(answer?.status ?? "nobody answered");
  if (Buffer.from(answer.body).includes(ZIP_END)) return "whole";
  // A server that was killed in the middle breaks the stream off; then the request threw. This one ended well.
  resident.town.differences.push(`person ${resident.id} got an export that is not whole (${answer.body.length} bytes)`);
  return "broken";
}

/** Signs out and in again; the former token opens nothing any more. */
export async function signOut(resident: Resident): Promise<string> {
  resident.isAway = true;
  try {
    const answer = await persist(resident, "/auth/logout", { method: "POST", json: {} });
    // 401: an earlier try has done it, and its answer was lost.
    if (answer?.status !== 204 && answer?.status !== 401) return String(answer?.status ?? "nobody answered");
    const after = await persist(resident, "/balance");
    if (after !== null && after.status !== 401) {
      resident.town.differences.push(`person ${resident.id} signed out, and /balance answered ${after.status}`);
    }
    await signIn(resident);
    return "done";
  } finally {
    resident.isAway = false;
  }
}

/** Erases everything. Whoever comes back afterwards is somebody new. */
export async function leaveForGood(resident: Resident): Promise<string> {
  const { book, town } = resident;
  resident.isAway = true;
  book.erased = "perhaps";
  const answer = await persist(resident, "/profile", { method: "DELETE", json: { confirm: "erase" } });
  resident.isErased = true;
  if (answer?.status === 200 || answer?.status === 401) book.erased = "yes";
  else if (answer !== null) town.differences.push(`erasing answered ${answer.status}`);
  return String(answer?.status ?? "nobody answered");
}
