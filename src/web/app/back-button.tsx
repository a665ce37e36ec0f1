import { BackIcon } from "./icons.tsx";
import { goBack, hasTelegramBack } from "./navigation.ts";
import { shellWords } from "./words-shell.ts";

/** The page's own way back, where Telegram shows none. */
export function BackButton() {
  if (hasTelegramBack.use()) return null;
  return (
    <button type="button" class="back" onClick={goBack}>
      <BackIcon />
      {shellWords("back")}
    </button>
  );
}
