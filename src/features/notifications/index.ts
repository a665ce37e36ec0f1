export { type OwnerAlert, recentAlerts, tellOwner } from "./alerts.ts";
export { alertOwner } from "./jobs.ts";
export {
  FAILURE_CODES,
  type FailureCode,
  failureText,
  MESSAGE_KEYS,
  type MessageKey,
  messageText,
  WATERMARK_TEXT,
} from "./messages.ts";
export { ownerAlerts } from "./tables.ts";
