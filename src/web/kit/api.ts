import { createClient, type Problem, problemOf } from "../../client.ts";
import { tokens } from "./session.ts";
import { language } from "./words.ts";

/** The API, typed by the server's own routes; one client for the whole page, so that one exchange renews the tokens for all. */
export const api = createClient(location.origin, {
  tokens,
  fetcher: async (address, init) => {
    const headers = new Headers(init?.headers);
    headers.set("accept-language", language.read());
    const response = await fetch(address, { ...init, headers, cache: "no-store" });
    if (response.status !== 401 || !address.endsWith("/auth/refresh")) return response;
    const revived = (await revive?.().catch(() => null)) ?? null;
    if (revived?.ok) revivals += 1;
    return revived ?? response;
  },
});

let revive: (() => Promise<Response | null>) | null = null;
let revivals = 0;

/** Changes whenever a session took the place of one that had ended: what is heard of the earlier one is stale. */
export const sessionNumber = (): number => revivals;

/**
 * What to do when the session cannot be renewed any more: an answer with a new pair of tokens, such as a sign-in gives,
 * stands for the renewal, and the call that met the end goes on with it. Null gives up.
 */
export function reviveSessionBy(way: () => Promise<Response | null>): void {
  revive = way;
}

/** Why a call did not work. Without a problem no answer came at all: the network, not the server, is to blame. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  readonly problem: Problem | null;

  constructor(problem: Problem | null) {
    super(problem?.code ?? "no answer");
    this.problem = problem;
  }
}

type Outcome = { data: unknown; error: { value: unknown } | null };
/** What a call of the client answers when it works. */
export type AnswerOf<Call> = Call extends (...given: never[]) => Promise<infer Result>
  ? Result extends { data: infer Data; error: null }
    ? Data
    : never
  : never;

/** The answer of a call; throws a `CallFailure`. */
export async function answerOf<Result extends Outcome>(
  call: Promise<Result>,
): Promise<Extract<Result, { error: null }>["data"]> {
  const { data, error } = await call;
  if (error) throw new CallFailure(problemOf(error));
  return data as Extract<Result, { error: null }>["data"];
}

/**
 * Saves what a GET of the API answers as a file. The token goes in a header as ever, so no link that others could follow
 * comes into being. A token that has run out is renewed by `renew`, any call of the client.
 */
export async function download(path: string, fileName: string, renew: () => Promise<unknown>): Promise<void> {
  await renew();
  const headers = { authorization: `Bearer ${tokens.read()?.access_token ?? ""}`, "accept-language": language.read() };
  const response = await fetch(path, { headers, cache: "no-store" }).catch(() => {
    throw new CallFailure(null);
  });
  if (!response.ok) throw new CallFailure(problemOf({ value: await response.json().catch(() => null) }));
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** For `Idempotency-Key`. Unlike `crypto.randomUUID` it also works where the page came by plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
