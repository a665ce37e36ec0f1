import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** What a tap led to is brought before the eyes: on a phone the place where it stands may lie below what is seen. */
export function IntoView({ children }: { children: ComponentChildren }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "center" }), []);
  return <div ref={place}>{children}</div>;
}
