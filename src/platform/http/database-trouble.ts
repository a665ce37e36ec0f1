import { unavailabilityOf } from "../db/unavailable.ts";
import { Refusal } from "../errors.ts";

/** Connections are opened anew twice a second, so most outages that a client meets are over by then. */
const RETRY_AFTER_SECONDS = 2;

/** What a client is told while the database is away or has no place; null for every other error. */
export function databaseRefusal(error: unknown): Refusal | null {
  const unavailability = unavailabilityOf(error);
  if (unavailability === null) return null;
  return new Refusal(unavailability === "away" ? "database_unavailable" : "busy", { retry_after: RETRY_AFTER_SECONDS });
}
