export {
  expireFilesNow,
  insertFiles,
  linkTo,
  openLink,
  ownPhoto,
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
export { FILE_PURPOSES, type FilePurpose, fileDeletions, files } from "./tables.ts";
