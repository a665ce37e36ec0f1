import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { WATERMARK_TEXT } from "../../features/notifications/index.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import { createImages } from "../../platform/images/index.ts";
import { nativeImageVersions } from "../../platform/images/versions.ts";
import { type DoctorCheck, failed, ok, warning } from "./check.ts";

const BYTES_PER_GIB = 1024 ** 3;
const FREE_BYTES_WARNING = 2 * BYTES_PER_GIB;
/** With less, uploads and the database's log may fail at any moment. */
const FREE_BYTES_MIN = 0.25 * BYTES_PER_GIB;
const IMAGES_TIMEOUT_MS = 20 * SECOND_MS;
const TEST_PICTURE_PX = 256;

/** Room for pictures and for the database. */
export const diskCheck: DoctorCheck = {
  name: "disk space",
  needs: ["DATA_DIR"],
  async run({ checked }) {
    const folder = resolve(checked.settings.DATA_DIR);
    const { bavail, bsize, blocks } = statfsSync(nearestExisting(folder));
    const freeBytes = bavail * bsize;
    const share = Math.round((100 * bavail) / Math.max(1, blocks));
    const text = `${(freeBytes / BYTES_PER_GIB).toFixed(1)} GiB (${share} %) free for ${folder}.`;
    if (freeBytes >= FREE_BYTES_WARNING) return ok(text);
    const advice = `${text} Make room, or move DATA_DIR to a larger disk.`;
    return freeBytes >= FREE_BYTES_MIN ? warning(advice) : failed(advice);
  },
};

/** The native code runs on this machine, and letters come out. */
export const imagesCheck: DoctorCheck = {
  name: "images",
  timeoutMs: IMAGES_TIMEOUT_MS,
  async run() {
    const images = createImages();
    await images.warmUp();
    const versions = await nativeImageVersions();
    const clean = await images.acceptResult(greyPng(TEST_PICTURE_PX));
    const marked = await images.watermark(clean.bytes, WATERMARK_TEXT);
    const { inside: difference } = await images.luminanceDifference(clean.bytes, marked.bytes);
    const names = `sharp ${versions.sharp}, libvips ${versions.libvips}`;
    if (difference > 0.5) return ok(`${names}; a watermark was written on a test picture.`);
    return failed(
      `${names}; but the watermark's letters did not come out. Empty the cache folder (ATELIER_CACHE_DIR) and start again.`,
    );
  },
};

function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder));
}

/** A grey square as PNG, made here so that the check needs no file and no code that it is about to try. */
function greyPng(sizePx: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(sizePx, 0);
  header.writeUInt32BE(sizePx, 4);
  // Eight bits, one channel of grey.
  header.writeUInt8(8, 8);
  const row = Buffer.alloc(sizePx + 1, 0x80);
  row[0] = 0;
  const rows = deflateSync(Buffer.concat(Array.from({ length: sizePx }, () => row)));
  const chunk = (name: string, data: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
    const framed = Buffer.alloc(named.byteLength + 8);
    framed.writeUInt32BE(data.byteLength, 0);
    named.copy(framed, 4);
    framed.writeUInt32BE(crc32(named), named.byteLength + 4);
    return framed;
  };
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const parts = [signature, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat(parts));
}
