import { useRef } from "preact/hooks";
import { type AnswerOf, answerOf, api, CallFailure, reviveSessionBy } from "../kit/api.ts";
import { signedIn, tokens } from "../kit/session.ts";
import { signInWith, tokensOf } from "../kit/sign-in.ts";
import { createStore } from "../kit/store.ts";
import { launchData } from "../kit/telegram.ts";
import { type Language, language, takeLanguage } from "../kit/words.ts";
import { isAnotherPerson, rememberSandboxPerson, sandboxLaunchData } from "./sandbox-person.ts";

/** Coming in: by what Telegram signed, or in the sandbox as a made-up person. Nobody types anything. */

export type Me = AnswerOf<typeof api.profile.get>;

export type Receipt = AnswerOf<typeof api.profile.delete>;

export type Entry =
  | { state: "entering" }
  | { state: "in"; me: Me }
  /** Neither Telegram nor a sandbox: `link` is where the app opens, where that is known. */
  | { state: "outside"; link: string | null }
  /** Telegram's data is too old: only Telegram can give new data, to a window opened anew. */
  | { state: "expired" }
  /** Signed out, here or from elsewhere. */
  | { state: "left" }
  /** Null where the connection broke before the receipt came. */
  | { state: "erased"; receipt: Receipt | null }
  | { state: "out"; failure: CallFailure };

export const entry = createStore<Entry>({ state: "entering" });
/** Whether the server plays all providers itself. */
export const inSandbox = createStore(false);

/**
 * Whether the person has asked to be erased, and whether an answer is missing. Until there is one nothing signs in again by
 * itself: that would make a new person of whoever has just been erased.
 */
let erasing: "no" | "asked" | "unanswered" = "no";

/** A window that Telegram has just opened carries its own data; a session that a tab still holds may be another person's. */
const isFreshLaunch = location.hash.includes("tgWebAppData=");
let isFirstTry = true;

export async function enter(): Promise<void> {
  entry.write({ state: "entering" });
  erasing = "no";
  try {
    const status = await answerOf(api.status.get());
    inSandbox.write(status.sandbox);
    const isGuest = launchData() === null;
    if (isGuest && !status.sandbox) return entry.write({ state: "outside", link: status.app_link });
    const keepsSession = isGuest ? !isAnotherPerson() : !(isFreshLaunch && isFirstTry);
    if (!keepsSession) tokens.write(null);
    if (isGuest) rememberSandboxPerson();
    isFirstTry = false;
    if (tokens.read() === null) tokens.write(await tokensOf(signIn()));
    welcome(await answerOf(api.profile.get()));
  } catch (error) {
    refuse(error instanceof CallFailure ? error : new CallFailure(null));
  }
}

/** The profile has changed: by the settings, or because somebody else came in. */
export function welcome(me: Me): void {
  takeLanguage(me.language);
  entry.write({ state: "in", me });
}

/** The page of somebody who has signed out; it does not come in again by itself. */
export function leave(): void {
  entry.write({ state: "left" });
  tokens.write(null);
}

/** Ends this session, or all of this person. Throws a `CallFailure`. */
export async function signOut(everywhere: boolean): Promise<void> {
  await answerOf(api.auth.logout.post({ everywhere }));
  leave();
}

/** The server has ended this session: a sign-out or an erasure somewhere else. Whoever left does not come in unasked. */
export function endedElsewhere(): void {
  if (erasing === "no") leave();
}

/**
 * Erases the person; the receipt is all that is shown then. May be called again while no answer came: what was erased
 * already is then known by the session, which has gone with it. Throws a `CallFailure`.
 */
export async function eraseMe(): Promise<void> {
  if (erasing === "no") erasing = "asked";
  try {
    farewell(await answerOf(api.profile.delete({ confirm: "erase" })));
  } catch (error) {
    const problem = error instanceof CallFailure ? error.problem : null;
    if (problem === null) erasing = "unanswered";
    else if (problem.status === 401 && erasing === "unanswered") return farewell(null);
    else {
      erasing = "no";
      if (problem.status === 401) enter();
    }
    throw error;
  }
}

function farewell(receipt: Receipt | null): void {
  entry.write({ state: "erased", receipt });
  tokens.write(null);
}

/** Chooses the language for the page, the refusals and the bot. Throws a `CallFailure`. */
export async function changeLanguage(chosen: Language): Promise<void> {
  welcome(await answerOf(api.profile.patch({ language: chosen })));
}

/** Chooses what the bot writes about; what is left out stays. Throws a `CallFailure`. */
export async function changeNotifications(chosen: Partial<Me["notifications"]>): Promise<void> {
  const { results, news } = chosen;
  const answer = await answerOf(
    api.profile.patch({
      ...(results === undefined ? {} : { notify_results: results }),
      ...(news === undefined ? {} : { notify_news: news }),
    }),
  );
  const now = entry.read();
  // Answers of two switches may overtake each other: each counts for its own.
  if (now.state === "in") welcome({ ...now.me, notifications: { ...now.me.notifications, ...pick(answer, chosen) } });
}

const pick = ({ notifications }: Me, chosen: Partial<Me["notifications"]>): Partial<Me["notifications"]> => ({
  ...(chosen.results === undefined ? {} : { results: notifications.results }),
  ...(chosen.news === undefined ? {} : { news: notifications.news }),
});

/** Reads the profile anew, for what changes elsewhere; a failure leaves what is known. */
export async function lookAgain(): Promise<void> {
  const me = await answerOf(api.profile.get()).catch(() => null);
  if (me !== null && entry.read().state === "in") welcome(me);
}

/** The one who is in; for screens, which nobody else sees. */
export function useMe(): Me {
  const now = entry.use();
  const last = useRef<Me | null>(null);
  if (now.state === "in") last.current = now.me;
  if (last.current === null) throw new Error("nobody is signed in");
  return last.current;
}

async function signIn(): Promise<Response> {
  return signInWith(launchData() ?? (await sandboxLaunchData(language.read())));
}

reviveSessionBy(async () => {
  const { state } = entry.read();
  if ((state !== "in" && state !== "entering") || erasing !== "no") return null;
  const answer = await signIn();
  if (!answer.ok) {
    const value: unknown = await answer.clone().json();
    if (isExpired(value)) entry.write({ state: "expired" });
    return answer;
  }
  // The same person, unless they were erased meanwhile: then whoever they are now.
  welcome(((await answer.clone().json()) as { user: Me }).user);
  return answer;
});

/** A session that ended and could not be begun again. */
export function watchSession(): void {
  if (!signedIn.read() && entry.read().state === "in" && erasing === "no") enter();
}

function refuse(failure: CallFailure): void {
  if (failure.problem !== null && failure.problem.status < 500) tokens.write(null);
  if (entry.read().state === "expired") return;
  entry.write(failure.problem?.code === "init_data_expired" ? { state: "expired" } : { state: "out", failure });
}

const isExpired = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "code" in value && value.code === "init_data_expired";
