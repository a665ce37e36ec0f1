import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { CallFailure } from "./api.ts";

export interface Loaded<Value> {
  /** The last answer; it stays while the next one is on its way, and when that fails. */
  value: Value | null;
  failure: CallFailure | null;
  isLoading: boolean;
  reload(): void;
}

/** There is no such thing; asking again by itself would not make it. */
export const isMissing = ({ failure }: Pick<Loaded<unknown>, "failure">): boolean => failure?.problem?.status === 404;

/**
 * What `load` answers, asked for again when one of `reasons` changes and every `everyMs` while the page is seen. Of answers
 * that overtake each other the one that was asked for last counts.
 */
export function useLoaded<Value>(
  load: () => Promise<Value>,
  reasons: readonly unknown[],
  everyMs: number | null = null,
): Loaded<Value> {
  const [state, setState] = useState<Omit<Loaded<Value>, "reload">>({ value: null, failure: null, isLoading: true });
  const latest = useRef(0);
  const reload = useCallback(() => {
    latest.current += 1;
    const asked = latest.current;
    setState((before) => ({ ...before, isLoading: true }));
    load().then(
      (value) => asked === latest.current && setState({ value, failure: null, isLoading: false }),
      (error: unknown) =>
        asked === latest.current && setState((before) => ({ ...before, failure: failureOf(error), isLoading: false })),
    );
    // The caller names what `load` depends on.
  }, reasons);
  useEffect(() => {
    setState((before) => ({ ...before, value: null }));
    reload();
    return () => {
      latest.current += 1;
    };
  }, [reload]);
  const isGone = isMissing(state);
  useEffect(() => {
    if (everyMs === null || isGone) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs, isGone]);
  return { ...state, reload };
}

export interface Pages<Item> extends Loaded<readonly Item[]> {
  hasMore: boolean;
  /** Whether more than the first page is there; loading anew would take that away. */
  isOpened: boolean;
  more(): void;
}

/** A list that the server gives in pages. */
export function usePages<Item>(
  load: (cursor: string | undefined) => Promise<{ items: Item[]; next_cursor: string | null }>,
  reasons: readonly unknown[],
): Pages<Item> {
  const first = useLoaded(() => load(undefined), reasons);
  const [rest, setRest] = useState<{ of: unknown; items: Item[]; next: string | null } | null>(null);
  const [isLoadingMore, setLoadingMore] = useState(false);
  const [failure, setFailure] = useState<CallFailure | null>(null);
  // Later pages belong to the first one that they continue.
  const own = rest !== null && rest.of === first.value ? rest : null;
  const next = own ? own.next : (first.value?.next_cursor ?? null);
  const more = () => {
    if (next === null || isLoadingMore) return;
    setLoadingMore(true);
    load(next)
      .then(
        (page) => {
          setFailure(null);
          setRest({ of: first.value, items: [...(own?.items ?? []), ...page.items], next: page.next_cursor });
        },
        (error: unknown) => setFailure(failureOf(error)),
      )
      .finally(() => setLoadingMore(false));
  };
  return {
    value: first.value && [...first.value.items, ...(own?.items ?? [])],
    failure: first.failure ?? failure,
    isLoading: first.isLoading || isLoadingMore,
    reload: first.reload,
    hasMore: next !== null,
    isOpened: own !== null,
    more,
  };
}

export interface Action {
  isBusy: boolean;
  failure: CallFailure | null;
  /** Does it, unless it is being done; resolves with whether it worked. */
  run(): Promise<boolean>;
}

/** Something that a person starts, once at a time however often they tap. */
export function useAction(act: () => Promise<void>): Action {
  const [state, setState] = useState<Omit<Action, "run">>({ isBusy: false, failure: null });
  const isRunning = useRef(false);
  return {
    ...state,
    async run() {
      if (isRunning.current) return false;
      isRunning.current = true;
      setState({ isBusy: true, failure: null });
      try {
        await act();
        setState({ isBusy: false, failure: null });
        return true;
      } catch (error) {
        setState({ isBusy: false, failure: failureOf(error) });
        return false;
      } finally {
        isRunning.current = false;
      }
    },
  };
}

/** Why something did not work, whatever was thrown. */
export function failureOf(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error;
  // A fault of the page itself: it must be seen in the console, and the person must not wait for ever.
  reportError(error);
  return new CallFailure(null);
}
