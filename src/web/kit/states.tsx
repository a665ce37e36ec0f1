import { Button, Spinner } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import type { CallFailure } from "./api.ts";
import { common } from "./common-words.ts";
import type { Loaded } from "./loading.ts";

/** How a page waits, has nothing to show, and says what went wrong: the same everywhere. */

export function Waiting() {
  return (
    <div class="waiting" role="status">
      <Spinner size="m" />
      <span class="unseen">{common("loading")}</span>
    </div>
  );
}

export function Nothing({ text }: { text?: string }) {
  return <p class="nothing">{text ?? common("nothing")}</p>;
}

/** What went wrong, what to do about it, and the number by which the log knows it. */
export function Failure({ failure, again }: { failure: CallFailure; again?: () => void }) {
  const { problem } = failure;
  const faults = problem?.errors?.map(({ path, message }) => `${path.replace(/^\/(body|query)\//, "")}: ${message}`);
  return (
    <div class="failure" role="alert">
      <strong>{problem === null ? common("no_answer") : (problem.detail ?? common("failed"))}</strong>
      {faults?.map((fault) => (
        <p key={fault}>{fault}</p>
      ))}
      <p>{hintFor(failure)}</p>
      {problem && <p class="failure-request">{common("request", { id: problem.request_id })}</p>}
      {again && (
        <Button size="s" mode="bezeled" onClick={again}>
          {common("again")}
        </Button>
      )}
    </div>
  );
}

function hintFor({ problem }: CallFailure): string {
  if (problem === null) return common("no_answer_hint");
  if (problem.status === 401) return common("hint_unauthenticated");
  if (problem.status === 403) return common("hint_forbidden");
  if (problem.retry_after !== undefined) return common("hint_rate_limited", { count: problem.retry_after });
  return problem.status >= 500 ? common("hint_bug") : "";
}

/** Draws what was loaded, or why it is not there. A failure of a later try stands above what is still known. */
export function WhenLoaded<Value>({
  of,
  children,
}: {
  of: Loaded<Value>;
  children: (value: Value) => ComponentChildren;
}) {
  return (
    <>
      {of.failure && <Failure failure={of.failure} again={of.reload} />}
      {of.value !== null ? children(of.value) : of.failure === null ? <Waiting /> : null}
    </>
  );
}
