export { journalDeletions, nameHash } from "./journal.ts";
export { ownPhoto, ownPhotos } from "./own-photos.ts";
export {
  expireFilesNow,
  insertFiles,
  linkTo,
  openLink,
  type PhotoView,
  PROVIDER_LINK_VALID_MS,
  photoView,
  providerLinkTo,
  readableFiles,
  readFile,
  type StoredFile,
  showFiles,
  storePhotos,
  storePicture,
  visibleDocument,
} from "./photos.ts";
export { PhotoSchema } from "./schemas.ts";
export {
  DELETE_REASONS,
  type DeletedKind,
  type DeleteReason,
  deletions,
  FILE_PURPOSES,
  type FilePurpose,
  files,
} from "./tables.ts";
