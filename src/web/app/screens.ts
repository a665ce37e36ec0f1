import { editScreen } from "./edit.tsx";
import { picturesScreen } from "./pictures.tsx";
import type { Screen } from "./screen.ts";

/** Every screen of the app. Tabs stand in this order; the first one is where the app begins. */
export const SCREENS: readonly Screen[] = [editScreen, picturesScreen];
