import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import type { CallFailure } from "../kit/api.ts";
import { common } from "../kit/common-words.ts";
import type { Loaded } from "../kit/loading.ts";
import { Waiting } from "../kit/states.tsx";
import { openTelegramLink } from "./links.ts";
import { goTo } from "./navigation.ts";
import { hasScreen } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

interface NoticeProps {
  failure: CallFailure;
  again?: (() => void) | undefined;
  /** Whether the refused request would have cost something: then it is said that it did not. */
  wouldCost?: boolean;
}

/** What went wrong, as people understand it: what to do about it, whether it cost anything, and the request's number, small. */
export function Notice({ failure, again, wouldCost = false }: NoticeProps) {
  const { problem } = failure;
  const text = problem === null ? shellWords("no_connection") : (problem.detail ?? common("failed"));
  const hint = hintFor(failure);
  const saysCharge = problem !== null && (wouldCost || member(problem, "charged") === false);
  const notCharged = shellWords("not_charged");
  return (
    <div class="failure notice" role="alert">
      <strong>{text}</strong>
      {problem?.code === "validation_failed" &&
        problem.errors?.map(({ path, message }) => (
          <p key={path}>{`${path.replace(/^\/(body|query)\//, "")}: ${message}`}</p>
        ))}
      {hint !== "" && <p>{hint}</p>}
      {saysCharge && !text.includes(notCharged) && <p>{notCharged}</p>}
      <div class="notice-buttons">
        <WayOut failure={failure} />
        {again && (
          <Button size="m" mode="bezeled" onClick={again}>
            {common("again")}
          </Button>
        )}
      </div>
      {problem && <p class="failure-request">{common("request", { id: problem.request_id })}</p>}
    </div>
  );
}

/** A button that leads to what the problem asks for, where there is such a place. */
function WayOut({ failure: { problem } }: { failure: CallFailure }) {
  if (problem?.code === "insufficient_credits" && hasScreen("shop")) {
    return (
      <Button size="m" onClick={() => goTo("shop")}>
        {shellWords("get_credits")}
      </Button>
    );
  }
  const botLink = problem && member(problem, "bot_link");
  if (typeof botLink !== "string" || !botLink.startsWith("https://t.me/")) return null;
  return (
    <Button size="m" onClick={() => openTelegramLink(botLink)}>
      {shellWords("open_bot")}
    </Button>
  );
}

function hintFor({ problem }: CallFailure): string {
  if (problem === null) return shellWords("no_connection_hint");
  if (problem.retry_after !== undefined) return waitHint(problem.retry_after);
  return problem.status >= 500 ? shellWords("server_hint") : "";
}

/** Nobody counts a quarter of an hour in seconds. */
const COUNTED_SECONDS_MAX = 90;

const waitHint = (seconds: number): string =>
  seconds > COUNTED_SECONDS_MAX
    ? shellWords("wait_minutes_hint", { count: Math.ceil(seconds / 60) })
    : shellWords("wait_hint", { count: seconds });

/** A member that only problems of some codes have. */
function member(problem: object, name: string): unknown {
  return (problem as Record<string, unknown>)[name];
}

interface ShownProps<Value> {
  of: Loaded<Value>;
  /** What stands there until the first answer, in the size of what will come, so that nothing jumps. */
  waiting?: ComponentChildren;
  children: (value: Value) => ComponentChildren;
}

/** Draws what was loaded, or why it is not there. A failure of a later try stands above what is still known. */
export function Shown<Value>({ of, waiting, children }: ShownProps<Value>) {
  return (
    <>
      {of.failure && <Notice failure={of.failure} again={of.reload} />}
      {of.value !== null ? children(of.value) : of.failure === null ? (waiting ?? <Waiting />) : null}
    </>
  );
}
