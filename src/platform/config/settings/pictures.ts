import { type SettingsPart, wholeNumber } from "../setting-types.ts";

/** How many pictures are made at once, and how long they may take and stay. */
export const pictureSettings = {
  ACTIVE_GENERATIONS_MAX: wholeNumber({
    text: "Pictures of one person in work at once.",
    default: 5,
    min: 1,
    max: 100,
  }),
  GENERATION_DEADLINE_SECONDS: wholeNumber({
    text: "A picture that is not ready after this time fails and its credits come back.",
    default: 600,
    min: 5,
    max: 3_600,
  }),
  RESULT_DAYS: wholeNumber({ text: "Results are kept for this many days.", default: 90, min: 1, max: 3_650 }),
} as const satisfies SettingsPart;
