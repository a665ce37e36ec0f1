import { choice, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** What may earn an inviter's reward. */
export const REFERRAL_REWARD_CAUSES = ["signup", "first_generation", "first_payment"] as const;

/** What people get for nothing, and what for money. */
export const creditSettings = {
  FREE_ACTIONS_PER_MONTH: wholeNumber({
    text: "Free actions of each person in a calendar month (Moscow time).",
    default: 10,
    min: 0,
    max: 1_000,
  }),
  REFERRAL_REWARD_ON: choice({
    text: "What an invited person has to do before the inviter is rewarded.",
    default: "first_generation",
    among: REFERRAL_REWARD_CAUSES,
  }),
  REFERRAL_REWARD_CREDITS: wholeNumber({
    text: "Credits for an inviter; 0 rewards nobody.",
    default: 10,
    min: 0,
    max: 1_000,
  }),
  REFERRAL_REWARDS_PER_DAY_MAX: wholeNumber({
    text: "Rewards of one inviter in a day (Moscow time); those beyond it are not made up for later.",
    default: 20,
    min: 0,
    max: 10_000,
  }),
  CATALOGUE_FILE: words({
    text: "A JSON file with prices of actions, packs and plans instead of the embedded one.",
    default: "",
  }),
} as const satisfies SettingsPart;
