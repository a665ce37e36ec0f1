import { editScreen } from "./edit.tsx";
import { friendsScreen } from "./friends.tsx";
import { historyScreen } from "./history.tsx";
import { picturesScreen } from "./pictures.tsx";
import type { Screen } from "./screen.ts";
import { settingsScreen } from "./settings.tsx";
import { shopScreen } from "./shop.tsx";
import { tryOnScreen } from "./try-on.tsx";

/** Every screen of the app. Tabs stand in this order; the first one is where the app begins. */
export const SCREENS: readonly Screen[] = [
  tryOnScreen, //
  editScreen,
  picturesScreen,
  shopScreen,
  historyScreen,
  friendsScreen,
  settingsScreen,
];
