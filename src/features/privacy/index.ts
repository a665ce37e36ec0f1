export { deleteFilesOf, waitingDeletions } from "./delete-files.ts";
export {
  type ErasureReceipt,
  erasePerson,
  finishErasure,
  openErasures,
  previewErasure,
} from "./erase-person.ts";
export { exportPerson } from "./export-person.ts";
export { runCleanup } from "./jobs.ts";
export { impersonalTables, nameOf, type PersonalTable, personalTables } from "./personal-tables.ts";
export { type CleanupReport, cleanUp } from "./retention.ts";
export { type ErasureCounts, erasures } from "./tables.ts";
