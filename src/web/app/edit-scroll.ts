import { useEffect, useRef } from "preact/hooks";

/** Whoever is so near to the end wants to see what comes. */
const NEAR_PIXELS = 120;

/** Keeps the end of what grows in view, unless somebody has scrolled up to read; a new `said` goes there in any case. */
export function useFollowEnd(said: string | null) {
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    const page = document.documentElement;
    let lastY = scrollY;
    const look = () => {
      const isNear = page.scrollHeight - innerHeight - scrollY < NEAR_PIXELS;
      // Far from the end without having gone up: it has only grown since.
      if (isNear) follows.current = true;
      else if (scrollY < lastY) follows.current = false;
      lastY = scrollY;
    };
    const grown = new ResizeObserver(() => follows.current && scrollTo(0, page.scrollHeight));
    grown.observe(current);
    addEventListener("scroll", look, { passive: true });
    return () => {
      grown.disconnect();
      removeEventListener("scroll", look);
    };
  }, []);
  useEffect(() => {
    if (said === null) return;
    follows.current = true;
    scrollTo(0, document.documentElement.scrollHeight);
  }, [said]);
  return box;
}

/** How much of the page the phone's keyboard covers, as `--keyboard`; nothing where the page itself is made smaller. */
export function useKeyboard(): void {
  useEffect(() => {
    const seen = visualViewport;
    if (!seen) return;
    const measure = () => {
      // Who has zoomed in sees a part of the page, too.
      const covered = seen.scale > 1.05 ? 0 : Math.max(0, innerHeight - seen.height - seen.offsetTop);
      document.documentElement.style.setProperty("--keyboard", `${Math.round(covered)}px`);
    };
    measure();
    seen.addEventListener("resize", measure);
    seen.addEventListener("scroll", measure);
    return () => {
      seen.removeEventListener("resize", measure);
      seen.removeEventListener("scroll", measure);
      document.documentElement.style.removeProperty("--keyboard");
    };
  }, []);
}
