export { takeCallback } from "./callback.ts";
export { type CancelAnswer, cancelAllOf, cancelGeneration, deleteGeneration, retryGeneration } from "./cancel.ts";
export { endGeneration, failOverdue } from "./finish.ts";
export { creditsHeldByPictures } from "./held-credits.ts";
export {
  failOverdueGenerations,
  generationEnded,
  guardProviderBalance,
  openCleanCopies,
  runGeneration,
} from "./jobs.ts";
export { orderOnce } from "./order-once.ts";
export { BREAKER_OPEN_MS, checkProviderBalance, picturesLeft, providerState } from "./provider-state.ts";
export { GenerationSchema, ORDER_REFUSALS } from "./schemas.ts";
export { screenWords } from "./screen-words.ts";
export { sendToChat } from "./send-to-chat.ts";
export { type Generation, generationJobKey, type OrderedGeneration, startGeneration } from "./start.ts";
export { GENERATION_STATUSES, type GenerationStatus, isFinal } from "./states.ts";
export { CREATE_WINDOW } from "./submit.ts";
export { GENERATION_TYPES, generationAttempts, generations } from "./tables.ts";
export { tellOfEnd } from "./tell-person.ts";
export {
  activeGenerations,
  type GenerationView,
  listGenerations,
  ownGeneration,
  viewGeneration,
  viewGenerations,
} from "./view.ts";
