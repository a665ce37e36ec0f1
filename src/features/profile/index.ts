export { type Consent, consentOf, refuseWithoutConsent } from "./consent.ts";
export { anonymousTelegramId, departureOf, forgetOldDepartures, rememberDeparture } from "./departures.ts";
export { ProfileSchema } from "./schemas.ts";
export { keyOf, keyRange, searchKeys } from "./search-keys.ts";
export { LANGUAGES, type Language, SUBSCRIPTION_TYPES, users, WRITE_STATES, type WriteState } from "./tables.ts";
export {
  anonymiseUser,
  banUser,
  changePreferences,
  countAssistantTokens,
  findByTelegramId,
  findOrCreateUser,
  findUser,
  languageFrom,
  lockUser,
  type Preferences,
  refuseErased,
  rowOf,
  setWriteState,
  showSubscription,
  type TelegramPerson,
  type User,
  usersAfter,
} from "./users.ts";
export { profileView } from "./view.ts";
