import { type AnswerOf, answerOf, api, CallFailure } from "../kit/api.ts";
import { takeFromAddress } from "../kit/route.ts";
import { tokens } from "../kit/session.ts";
import { signInWith, tokensOf } from "../kit/sign-in.ts";
import { createStore } from "../kit/store.ts";
import { launchData } from "../kit/telegram.ts";

/**
 * Coming in. Inside Telegram by what Telegram signed; at a desk by a link that works once, whose token stands in the
 * fragment (which no server and no log sees) and leaves the address bar before anything else happens.
 */

export type Me = AnswerOf<typeof api.admin.me.get>;
export type Role = Me["role"];

/** Each may do what stands before it. */
const ROLES: readonly Role[] = ["viewer", "support", "owner"];

export type Entry = { state: "entering" } | { state: "out"; failure: CallFailure | null } | { state: "in"; me: Me };

export const entry = createStore<Entry>({ state: "entering" });

// Taken when the module is loaded, so that no later script ever sees it in the address.
let linkToken = takeFromAddress("link");

/** Whether the one who is signed in may. The page asks so as not to offer what the server would refuse. */
export function mayAct(least: Role): boolean {
  const now = entry.read();
  return now.state === "in" && ROLES.indexOf(now.me.role) >= ROLES.indexOf(least);
}

/** Tries what there is: a link, the tab's session, Telegram. */
export async function enter(): Promise<void> {
  entry.write({ state: "entering" });
  try {
    if (linkToken !== null) {
      // A fresh link says who wants to come in, whoever was here before.
      tokens.write(null);
      tokens.write(await answerOf(api.admin["sign-in"].post({ token: linkToken })));
      linkToken = null;
    } else if (tokens.read() === null) {
      const initData = launchData();
      if (initData === null) return entry.write({ state: "out", failure: null });
      tokens.write(await tokensOf(signInWith(initData)));
    }
    entry.write({ state: "in", me: await answerOf(api.admin.me.get()) });
  } catch (error) {
    const failure = error instanceof CallFailure ? error : new CallFailure(null);
    if (failure.problem !== null && failure.problem.status < 500) {
      // The server has judged; only what it never heard of is worth another try.
      linkToken = null;
      tokens.write(null);
    }
    entry.write({ state: "out", failure });
  }
}

/** The session ends on the server too; the page goes back to its beginning whatever the server says. */
export async function leave(): Promise<void> {
  await answerOf(api.auth.logout.post({})).catch(() => undefined);
  tokens.write(null);
  entry.write({ state: "out", failure: null });
}

/** The server no longer knows the session. */
export function sessionEnded(): void {
  if (entry.read().state === "in") entry.write({ state: "out", failure: null });
}

/** A cheap call by which a token that has run out is renewed. */
export const renewSession = (): Promise<unknown> => answerOf(api.admin.me.get());
