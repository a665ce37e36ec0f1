export { runCleanup } from "./jobs.ts";
export { type CleanupReport, cleanUp } from "./retention.ts";
