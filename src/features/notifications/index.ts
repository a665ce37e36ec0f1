export { type OwnerAlert, recentAlerts, tellOwner } from "./alerts.ts";
export { SEND_WINDOW } from "./claim-messages.ts";
export { FAILURE_CODES, type FailureCode, failureText } from "./failures.ts";
export { alertOwner, sendMessages, sweepOutbox, telegramStarted } from "./jobs.ts";
export { messageText, parametersOf } from "./message-text.ts";
export { MESSAGE_KEYS, type MessageContent, type MessageKey, WATERMARK_TEXT } from "./messages.ts";
export { type Notification, type Notified, notify } from "./notify.ts";
export {
  forgetOldMessages,
  type OutboxCounts,
  outboxCounts,
} from "./outbox-records.ts";
export type { DocumentReader } from "./send-messages.ts";
export { sendOnRequest } from "./send-on-request.ts";
export { outboxMessages, ownerAlerts } from "./tables.ts";
