import { friendsScreen } from "./friends.tsx";
import { picturesScreen } from "./pictures.tsx";
import type { Screen } from "./screen.ts";
import { settingsScreen } from "./settings.tsx";

/** Every screen of the app. Tabs stand in this order; the first one is where the app begins. */
export const SCREENS: readonly Screen[] = [picturesScreen, friendsScreen, settingsScreen];
