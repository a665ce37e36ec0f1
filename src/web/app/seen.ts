import { useEffect, useRef } from "preact/hooks";

/** Does something whenever the page is seen again, as after a look at a chat: what was decided there is read anew. */
export function useWhenSeen(act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const seen = () => document.visibilityState === "visible" && latest.current();
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, []);
}
