/**
 * Why the database gives no answer now.
 * - `away`: it cannot be reached, is starting, is shutting down, or is a read-only replica
 * - `busy`: it is there, but had no connection, no lock or no time for this
 */
export type Unavailability = "away" | "busy";

/** Thrown where no statement was sent, or where its answer was not waited for any longer. Trying again may help. */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
  readonly unavailability: Unavailability;
  /** The code of what went wrong below, so that advice can be found for it. */
  readonly code: string | undefined;

  constructor(unavailability: Unavailability, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.unavailability = unavailability;
    this.code = chainOf(cause).map(codeOf).find(Boolean);
  }
}

/** Codes of the system, of postgres.js and of Postgres (SQLSTATE). */
const AWAY =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_SOCKET\w*|CONNECT\w+|08\w{3}|57P0\d|25006)$/;
const BUSY = /^(53\w{3}|57014|55P03|25P03)$/;
/** What waiting does not mend: name or password, no such database, no rights, a certificate that is not trusted. */
const HOPELESS = /^(28\w{3}|3D000|42501|08P01|\w*CERT\w*|\w*SIGNATURE\w*|ERR_TLS\w*|UNABLE_TO\w+|SASL\w*)$/;

/** Whether the error says that the database could not be used for the moment; null for every other error. */
export function unavailabilityOf(error: unknown): Unavailability | null {
  for (const one of chainOf(error)) {
    if (one instanceof DatabaseUnavailable) return one.unavailability;
    if (/^SQLITE_BUSY/.test(codeOf(one) ?? "")) return "busy";
  }
  return null;
}

/** What a driver's error says of the database; null where it says nothing of it. */
export function troubleOf(error: unknown): Unavailability | null {
  for (const one of chainOf(error)) {
    const code = codeOf(one) ?? "";
    if (AWAY.test(code)) return "away";
    if (BUSY.test(code)) return "busy";
  }
  return null;
}

/** Whether trying to connect again cannot help until somebody has mended something. */
export function isHopeless(error: unknown): boolean {
  return chainOf(error).some((one) => HOPELESS.test(codeOf(one) ?? ""));
}

/** The server that was written to has become a replica. */
export function isReadOnly(error: unknown): boolean {
  return chainOf(error).some((one) => codeOf(one) === "25006");
}

/** drizzle wraps what the driver throws. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one instanceof Error && chain.length < 5; one = one.cause) chain.push(one);
  return chain;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
