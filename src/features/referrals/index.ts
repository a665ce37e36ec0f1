export { bindNewcomer, forgetOldStarts, type Newcomer } from "./binding.ts";
export { rememberReferral, reverseForRefund, rewardGeneration, rewardPayment, rewardSignUp } from "./jobs.ts";
export { endReferralsOf } from "./rewards.ts";
export { pendingReferrals, referralCodes, referrals } from "./tables.ts";
