export { ProfileSchema } from "./schemas.ts";
export { LANGUAGES, type Language, SUBSCRIPTION_TYPES, users, WRITE_STATES, type WriteState } from "./tables.ts";
export {
  changePreferences,
  countAssistantTokens,
  findByTelegramId,
  findOrCreateUser,
  findUser,
  languageFrom,
  lockUser,
  type Preferences,
  setWriteState,
  showSubscription,
  type TelegramPerson,
  type User,
  usersAfter,
} from "./users.ts";
export { profileView } from "./view.ts";
