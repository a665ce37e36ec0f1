export { keepAudience } from "./broadcasts/audience-counts.ts";
export { sendBroadcasts, sweepBroadcasts } from "./broadcasts/send-broadcasts.ts";
export { keepFigures } from "./overview/keep-figures.ts";
export { watchEconomy } from "./overview/watch-economy.ts";
export { type SeedOrder, seed } from "./seed/seed.ts";
