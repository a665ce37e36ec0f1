import { AppRoot } from "@telegram-apps/telegram-ui";
import { type ComponentChildren, render } from "preact";
import { appearance, followTheme, forgetLaunchAddress, platform, showInTelegram } from "./telegram.ts";
import { language } from "./words.ts";

/** Telegram's look around a whole page, in the colours and the language of the moment. */
function Shell({ children }: { children: () => ComponentChildren }) {
  language.use();
  return (
    <AppRoot platform={platform()} appearance={appearance.use()} className={`look look-${appearance.read()}`}>
      {children()}
    </AppRoot>
  );
}

/** Puts a page onto the screen. What `draw` calls is drawn anew when the language changes. */
export function showPage(draw: () => ComponentChildren): void {
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no #root");
  document.documentElement.lang = language.read();
  followTheme();
  forgetLaunchAddress();
  render(<Shell>{draw}</Shell>, root);
  showInTelegram();
}
