import { StorageFailure } from "./storage.ts";

/** A try that may be made again. */
export class S3Trouble extends Error {
  override readonly name = "S3Trouble";
}

/** The error's code in an answer's XML. */
const CODE = /<Code>([A-Za-z0-9.]{1,64})<\/Code>/;
/** Where the code says that it was the moment rather than the request, whatever the status. */
const PASSING = new Set([
  "SlowDown",
  "RequestTimeout",
  "InternalError",
  "ServiceUnavailable",
  "ServerBusy",
  "OperationAborted",
  "ConditionalRequestConflict",
  "BadDigest",
  "IncompleteBody",
  "TooManyRequests",
]);
/** What an operator can do about it. */
const ADVICE: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "It does not know S3_ACCESS_KEY_ID.",
  SignatureDoesNotMatch: "Is S3_SECRET_ACCESS_KEY right, and S3_REGION the bucket's?",
  AuthorizationHeaderMalformed: "Is S3_REGION the bucket's region?",
  AccessDenied: "May this key list the bucket and get, put and delete its objects?",
  // A `HEAD` has no body that could say more.
  "403":
    "Is the key right (S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_REGION), and may it list the bucket and get, put and delete its objects?",
  NoSuchBucket: "There is no such bucket at S3_ENDPOINT: make it, or mend STORAGE_URL.",
  PermanentRedirect: "The bucket is elsewhere: mend S3_REGION or S3_ENDPOINT.",
  RequestTimeTooSkewed: "This machine's clock is wrong.",
};

/** The code of an answer's body, or nothing. */
export function codeIn(body: string): string {
  return CODE.exec(body)?.[1] ?? "";
}

/** What an answer that is no success means: trouble to try again, or a failure that stays. */
export function faultOf(what: string, status: number, code: string): S3Trouble | StorageFailure {
  const words = `the storage answered ${what} with ${status === 0 ? "" : status}${code && ` ${code}`}`.replace(
    "  ",
    " ",
  );
  const isPassing = status >= 500 || status === 429 || status === 408 || status === 409 || PASSING.has(code);
  return isPassing && status !== 501 ? new S3Trouble(words) : refusal(words, code || codeOfStatus(status));
}

/** What was thrown instead of an answer. Its own words may hold the signed address, so only its code is kept. */
export function troubleOf(what: string, error: unknown, limitMs: number): S3Trouble {
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === "TimeoutError" || name === "AbortError") {
    return new S3Trouble(`the storage did not answer ${what} within ${(limitMs / 1000).toFixed(1)} s`);
  }
  const reason = typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? code : "no connection";
  return new S3Trouble(`the storage could not be asked to ${what}: ${reason}`);
}

/** What Bun's own client throws: it tells the code of an answer, and not its status. */
export function nativeFault(what: string, error: unknown, limitMs: number): S3Trouble | StorageFailure {
  const code = String((error as { code?: unknown }).code ?? "");
  const words = `the storage answered ${what} with ${code}`;
  if (PASSING.has(code)) return new S3Trouble(words);
  return code in ADVICE ? refusal(words, code) : troubleOf(what, error, limitMs);
}

function refusal(words: string, code: string): StorageFailure {
  const advice = ADVICE[code];
  return new StorageFailure(advice === undefined ? words : `${words}. ${advice}`, { refused: true });
}

function codeOfStatus(status: number): string {
  if (status === 403) return "403";
  return status === 301 || status === 307 ? "PermanentRedirect" : "";
}
