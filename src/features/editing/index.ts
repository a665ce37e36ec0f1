export { forgetOldConversations } from "./conversations.ts";
export { failOverdueChatTurns, replyToTurn } from "./jobs.ts";
export { chatHistory, chatTurns } from "./tables.ts";
