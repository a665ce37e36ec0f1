import { Button } from "@telegram-apps/telegram-ui";
import { postEvent } from "@tma.js/bridge";
import { launchData, tell } from "../kit/telegram.ts";
import { type Entry, enter } from "./entry.ts";
import { Erased } from "./erased.tsx";
import { openTelegramLink } from "./links.ts";
import { Notice } from "./notice.tsx";
import { shellWords } from "./words-shell.ts";

/** What is shown to whoever is not in, and what they can do about it. */
export function Outside({ now }: { now: Exclude<Entry, { state: "in" | "entering" }> }) {
  return (
    <main class="app app-empty">
      <div class="gate">
        {now.state === "outside" && <OpenInTelegram link={now.link} />}
        {now.state === "expired" && (
          <>
            <h1>{shellWords("expired_title")}</h1>
            <p>{shellWords("expired_text")}</p>
            {launchData() !== null && (
              <Button
                size="l"
                stretched
                onClick={() => tell("web_app_close", () => postEvent("web_app_close", { return_back: false }))}
              >
                {shellWords("close_window")}
              </Button>
            )}
          </>
        )}
        {now.state === "left" && (
          <>
            <h1>{shellWords("left_title")}</h1>
            <p>{shellWords("left_text")}</p>
            <Button size="l" stretched mode="bezeled" onClick={enter}>
              {shellWords("left_button")}
            </Button>
          </>
        )}
        {now.state === "erased" && <Erased receipt={now.receipt} />}
        {now.state === "out" && <Notice failure={now.failure} again={enter} />}
      </div>
    </main>
  );
}

function OpenInTelegram({ link }: { link: string | null }) {
  return (
    <>
      <h1>{shellWords("outside_title")}</h1>
      <p>{shellWords("outside_text")}</p>
      {link !== null && (
        <Button size="l" stretched onClick={() => openTelegramLink(link)}>
          {shellWords("outside_button")}
        </Button>
      )}
    </>
  );
}
