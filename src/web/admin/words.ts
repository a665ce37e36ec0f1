import { createWords } from "../kit/words.ts";
import { en, type PanelKey } from "./words-en.ts";
import { ru } from "./words-ru.ts";

/** The panel's words in the language of the moment. */
export const words = createWords<PanelKey>({ ru, en });
