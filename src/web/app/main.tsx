import { showPage } from "../kit/shell.tsx";
import { freshStartParameter, telegramLanguage } from "../kit/telegram.ts";
import { takeLanguage } from "../kit/words.ts";
import { App } from "./app.tsx";
import { beginHistory, goInstead } from "./navigation.ts";
import { BACK_FROM_PAYING, RETURN } from "./open-payment.ts";
import { followSafeAreas } from "./safe-area.ts";
import { registerScreens } from "./screen.ts";
import { SCREENS } from "./screens.ts";

registerScreens(SCREENS);
const spoken = telegramLanguage();
// Until the profile says what the person has chosen.
if (spoken !== null) takeLanguage(spoken.toLowerCase().startsWith("ru") ? "ru" : "en");
// Before the address forgets it.
const isBackFromPaying = freshStartParameter() === BACK_FROM_PAYING;
showPage(() => <App />);
beginHistory();
if (isBackFromPaying) goInstead("shop", RETURN);
followSafeAreas();
