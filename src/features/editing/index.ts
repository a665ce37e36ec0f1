export type { ChatErrorFrame, ChatFrame, ChatMessageFrame } from "./chat-socket.ts";
export { forgetOldConversations } from "./conversations.ts";
export { endTurnsOf } from "./finish-turn.ts";
export { creditsHeldByTurns } from "./held-credits.ts";
export { failOverdueChatTurns, replyToTurn } from "./jobs.ts";
export { chatHistory, chatTurns } from "./tables.ts";
