export { ProfileSchema } from "./schemas.ts";
export { LANGUAGES, type Language, SUBSCRIPTION_TYPES, users, WRITE_STATES } from "./tables.ts";
export {
  countAssistantTokens,
  findByTelegramId,
  findOrCreateUser,
  findUser,
  lockUser,
  showSubscription,
  type TelegramPerson,
  type User,
  usersAfter,
} from "./users.ts";
export { profileView } from "./view.ts";
