import { showPage } from "../kit/shell.tsx";
import { telegramLanguage } from "../kit/telegram.ts";
import { takeLanguage } from "../kit/words.ts";
import { App } from "./app.tsx";
import { beginHistory } from "./navigation.ts";
import { followSafeAreas } from "./safe-area.ts";
import { registerScreens } from "./screen.ts";
import { SCREENS } from "./screens.ts";

registerScreens(SCREENS);
const spoken = telegramLanguage();
// Until the profile says what the person has chosen.
if (spoken !== null) takeLanguage(spoken.toLowerCase().startsWith("ru") ? "ru" : "en");
showPage(() => <App />);
beginHistory();
followSafeAreas();
