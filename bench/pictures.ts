import sharp from "sharp";
import { createImages } from "../src/platform/images/index.ts";
import { AI_GENERATED_XMP } from "../src/platform/images/picture.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { amount } from "./amount.ts";
import { runOldPictures } from "./old-pictures.ts";
import { photo } from "./photo.ts";
import { photoRequest, sendPhotos } from "./photo-senders.ts";
import { OURS, report } from "./result.ts";
import { openShop } from "./shop.ts";

/**
 * I1: uploads of 12 megapixels over HTTP, eight callers, beside a loop over sharp in this process, two at once, as many as the
 * server takes, and beside the old stack's upload, over HTTP as ours. The bytes of a request are put together before anything is
 * measured and written to plain sockets, to ours and to the old stack alike: encoding a form anew for each upload took one to
 * two ms of the processor that is measured.
 *
 * I3: a finished picture with the watermark, beside its decoding and encoding without one, in one go as sharp likes it best, and
 * beside sharp's own blending of the whole picture. `watermark_ms` is the time a picture takes of a server with both
 * slots in use, two at once, which is how the product works under load; `watermark_alone_ms` is what somebody waits whose
 * picture is the only one. Alone, sharp's one go has both cores to itself: one thread decodes while another encodes.
 *
 * All make the same of the same: a JPEG of the same size, quality and kind of tables (computing the best ones, which sharp does
 * unless told otherwise, doubles the time of encoding), which is looked at before anything is measured.
 */
const CALLERS = 8;
const AT_ONCE = 2;
const UPLOADS = amount("UPLOADS", 48);
const WATERMARKS = amount("WATERMARKS", 16);
const ROUNDS = amount("ROUNDS", 3);
const EDGE_PX_MAX = 2_048;
const JPEG = { quality: 88, optimiseCoding: false, mozjpeg: false } as const;
/** How far two encodings of the same may be apart in bytes and count as the same: other libraries round otherwise. */
const BYTES_APART_MAX = 0.05;
const TEXT = "atelier";

const source = await photo(4_000, 3_000);
process.stderr.write(`  the photo has ${Math.round(source.byteLength / 1_024)} KiB\n`);
const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
const visitors = await Promise.all(Array.from({ length: CALLERS }, shop.visitor));
const old = await runOldPictures();

/** Does `count` pieces of work, `atOnce` side by side; answers how many a second. */
async function rate(count: number, atOnce: number, work: (worker: number) => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  let begun = 0;
  const workOn = async (worker: number) => {
    while (begun < count) {
      begun += 1;
      await work(worker);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, worker) => workOn(worker)));
  return (count * 1_000) / (performance.now() - beganMs);
}

const upload = async (caller: number): Promise<number> => {
  const form = new FormData();
  form.set("user_photo", new File([source], "photo.jpg", { type: "image/jpeg" }));
  const answer = await visitors[caller]?.ask("POST", "/fitting/upload", form);
  return Number((answer?.user_photo as { bytes?: number } | undefined)?.bytes);
};
const requests = visitors.map(({ token }) => photoRequest("/api/v1/fitting/upload", token, source));
const uploadsPerSecond = () => sendPhotos({ base: shop.base, requests, count: UPLOADS, status: 200 });
const oldRequests = Array.from({ length: old ? CALLERS : 0 }, () => photoRequest("/upload", old?.token ?? "", source));
sharp.cache(false);
sharp.concurrency(1);
const bareUpload = () =>
  sharp(source)
    .autoOrient()
    .resize({ width: EDGE_PX_MAX, height: EDGE_PX_MAX, fit: "inside", withoutEnlargement: true })
    .jpeg(JPEG)
    .toBuffer();
const images = createImages({ concurrency: AT_ONCE });
const finished = (await images.acceptResult(await photo(1_536, 2_048))).bytes;
const withoutOne = () => sharp(finished).autoOrient().withXmp(AI_GENERATED_XMP).jpeg(JPEG).toBuffer();
const layer = await sharp({ text: { text: TEXT, rgba: true, dpi: 900 } })
  .png()
  .toBuffer();
const blended = () =>
  sharp(finished)
    .autoOrient()
    .composite([{ input: layer, gravity: "south" }])
    .withXmp(AI_GENERATED_XMP)
    .jpeg(JPEG)
    .toBuffer();

function requireAlike(what: string, bytes: number, ours: number): void {
  process.stderr.write(`  ${what} makes ${bytes} bytes, ours ${ours}\n`);
  if (Math.abs(bytes - ours) > ours * BYTES_APART_MAX) throw new Error(`${what} does not make what ours makes.`);
}

try {
  const stored = await upload(0);
  requireAlike("bare sharp", (await bareUpload()).byteLength, stored);
  if (old) requireAlike("the old stack", await old.upload(source), stored);
  const marked = (await images.watermark(finished, TEXT)).bytes.byteLength;
  requireAlike("no watermark", (await withoutOne()).byteLength, marked);
  const watermarkMs = async (work: () => Promise<unknown>) => ({
    watermark_ms: 1_000 / (await rate(WATERMARKS * AT_ONCE, AT_ONCE, work)),
    watermark_alone_ms: 1_000 / (await rate(WATERMARKS, 1, work)),
  });
  const samples = await alternate(
    {
      [OURS]: async () => ({
        uploads_per_second: await uploadsPerSecond(),
        ...(await watermarkMs(() => images.watermark(finished, TEXT))),
      }),
      "bare sharp": async () => ({ uploads_per_second: await rate(UPLOADS, AT_ONCE, bareUpload) }),
      ...(old && {
        "Pillow and FastAPI": async () => ({
          uploads_per_second: await sendPhotos({ base: old.base, requests: oldRequests, count: UPLOADS, status: 201 }),
        }),
      }),
      "no watermark": () => watermarkMs(withoutOne),
      "sharp's composite": () => watermarkMs(blended),
    },
    ROUNDS,
  );
  await report("pictures", samples, [
    { goal: "I1", what: "uploads_per_second", against: "bare sharp", atLeast: 0.9 },
    { goal: "I1", what: "uploads_per_second", against: "Pillow and FastAPI", atLeast: 2 },
    { goal: "I3", what: "watermark_ms", against: "no watermark", atMost: 1.3 },
    { goal: "I3", what: "watermark_alone_ms", against: "no watermark", atMost: 1.3 },
  ]);
} finally {
  await old?.stop();
  await shop.stop();
}
