import type { Intention } from "./intention.ts";
import { Notice } from "./notice.tsx";
import { shellWords } from "./words-shell.ts";

interface IntentionNoticeProps {
  of: Pick<Intention, "isWaiting" | "failure">;
  /** Whether it would have cost something: then it is said that it did not. */
  wouldCost?: boolean;
}

/** What a person has to know of what they tapped for: that it waits for the network, or what went wrong. */
export function IntentionNotice({ of: { isWaiting, failure }, wouldCost = false }: IntentionNoticeProps) {
  return (
    <>
      {isWaiting && <p role="status">{shellWords("still_sending")}</p>}
      {failure && <Notice failure={failure} wouldCost={wouldCost} />}
    </>
  );
}
