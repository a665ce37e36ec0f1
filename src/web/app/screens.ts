import { historyScreen } from "./history.tsx";
import { picturesScreen } from "./pictures.tsx";
import type { Screen } from "./screen.ts";
import { shopScreen } from "./shop.tsx";
import { tryOnScreen } from "./try-on.tsx";

/** Every screen of the app. Tabs stand in this order; the first one is where the app begins. */
export const SCREENS: readonly Screen[] = [
  tryOnScreen, //
  picturesScreen,
  shopScreen,
  historyScreen,
];
