import { useEffect } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { failureOf, type Loaded } from "../kit/loading.ts";
import { createStore } from "../kit/store.ts";
import { onLive } from "./live.ts";

/** What the person can spend: one for the whole page, read anew whenever an event says that it changed. */

export type Balance = AnswerOf<typeof api.balance.get>;
export type Catalogue = AnswerOf<typeof api.plans.get>;

type Known<Value> = Omit<Loaded<Value>, "reload">;

const UNKNOWN = { value: null, failure: null, isLoading: true } as const;
const CHANGES_IT: ReadonlySet<string> = new Set([
  "hello",
  "balance.changed",
  "payment.succeeded",
  "subscription.changed",
]);

/** A value of the server's that several parts of a page look at. */
function shared<Value>(load: () => Promise<Value>) {
  const store = createStore<Known<Value>>(UNKNOWN);
  let latest = 0;
  const reload = () => {
    latest += 1;
    const asked = latest;
    store.write({ ...store.read(), isLoading: true });
    load().then(
      (value) => asked === latest && store.write({ value, failure: null, isLoading: false }),
      (error: unknown) =>
        asked === latest && store.write({ ...store.read(), failure: failureOf(error), isLoading: false }),
    );
  };
  return {
    reload,
    forget: () => {
      latest += 1;
      store.write(UNKNOWN);
    },
    use(): Loaded<Value> {
      const now = store.use();
      useEffect(() => {
        if (latest === 0 || store.read().failure !== null || store.read() === UNKNOWN) reload();
      }, []);
      return { ...now, reload };
    },
  };
}

const balance = shared<Balance>(() => answerOf(api.balance.get()));
const catalogue = shared<Catalogue>(() => answerOf(api.plans.get()));

export const useBalance = balance.use;
export const reloadBalance = balance.reload;
/** What is sold and what an action costs; it changes with a new version of the server only. */
export const useCatalogue = catalogue.use;

export type Action = Catalogue["actions"][number]["key"];

/** What an action costs this person now: a free action, or credits. Null until it is known. */
export function usePrice(
  action: Action,
): { credits: number; isFree: boolean; freeLeft: number; isEnough: boolean } | null {
  const { value: own } = balance.use();
  const { value: sold } = catalogue.use();
  const credits = sold?.actions.find(({ key }) => key === action)?.credits;
  if (own === null || credits === undefined) return null;
  const freeLeft = Math.max(0, own.free_actions.limit - own.free_actions.used);
  return { credits, freeLeft, isFree: freeLeft > 0, isEnough: freeLeft > 0 || own.credits >= credits };
}

/** Follows the events; the answer stops it and forgets whose balance it was. */
export function followBalance(): () => void {
  const stop = onLive(({ type }) => {
    if (CHANGES_IT.has(type)) balance.reload();
  });
  return () => {
    stop();
    balance.forget();
  };
}
