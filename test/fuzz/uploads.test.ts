import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import sharp from "sharp";
import { Refusal } from "../../src/platform/errors.ts";
import { acceptPhoto, EDGE_PX_MAX } from "../../src/platform/images/inspect.ts";
import { SAMPLES } from "../../src/sandbox/samples.ts";
import {
  animatedPng,
  animation,
  bombPng,
  cmykJpeg,
  deepPng,
  jpegThatClaims,
  phonePhoto,
  tailBytesOfJpeg,
} from "../support/hostile-files.ts";
import { picture } from "../support/pictures.ts";
import { faultsSeed, seededRandom } from "../support/seeded-random.ts";
import { mutated, type Specimen } from "./mutations.ts";
import { chanceOf } from "./values.ts";

/**
 * Pictures of all kinds, spoiled at random: each is refused with a word that people are told, or becomes our own encoding and nothing
 * else; none crashes, none hangs, and memory stays what it was. `FUZZ_UPLOADS=100000` for the long form, `FAULTS_SEED` to repeat a run.
 */
const CASES = Number(process.env.FUZZ_UPLOADS ?? 500);
const AT_ONCE = 2;
/** One case alone; a machine that runs much else beside it is given time in the short form. */
const CASE_MS_MAX = process.env.FUZZ_UPLOADS === undefined ? 15_000 : 2_000;
const DEADLINE_MS = 60_000 + CASES * 60;
/** After a tenth of all cases the pools and caches of the native code are as large as they become. */
const WARM_SHARE = 0.1;
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;
const REFUSALS = new Set([
  "file_too_large",
  "file_type_unsupported",
  "file_corrupt",
  "image_too_many_pixels",
  "image_too_small",
]);

const seed = faultsSeed("FUZZ_UPLOADS");

async function specimens(): Promise<Specimen[]> {
  const of = (type: string, bytes: Uint8Array): Specimen => ({ type, bytes: new Uint8Array(bytes) });
  const small = { width: 96, height: 128 };
  const drawn = sharp(await Bun.file(resolve(SAMPLES.person)).bytes()).resize(160);
  return [
    of("image/jpeg", await picture(small)),
    of("image/png", await picture({ ...small, format: "png" })),
    of("image/webp", await picture({ ...small, format: "webp" })),
    of("image/jpeg", await drawn.clone().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer()),
    of("image/png", await drawn.clone().png({ palette: true, progressive: true }).toBuffer()),
    of("image/png", await drawn.clone().grayscale().ensureAlpha(0.5).png().toBuffer()),
    of("image/webp", await drawn.clone().webp({ lossless: true }).toBuffer()),
    of("image/webp", await drawn.clone().ensureAlpha(0.3).webp({ alphaQuality: 10 }).toBuffer()),
    of("image/jpeg", await phonePhoto(6)),
    of("image/jpeg", await cmykJpeg()),
    of("image/png", await deepPng()),
    of("image/png", await animatedPng()),
    of("image/webp", await animation("webp")),
    of("image/png", bombPng(9_000)),
    of("image/jpeg", await jpegThatClaims(60_000, 60_000)),
  ];
}

describe("pictures that were spoiled at random", () => {
  test(
    `${CASES} of them, FAULTS_SEED=${seed}`,
    async () => {
      const chance = chanceOf(seededRandom(seed));
      const originals = await specimens();
      const outcomes = new Map<string, number>();
      const faults: string[] = [];
      const residentBytes: number[] = [];
      let next = 0;
      let slowestMs = 0;
      const work = async () => {
        while (next < CASES) {
          const number = next;
          next += 1;
          if (number % Math.floor(CASES * WARM_SHARE) === 0) {
            Bun.gc(true);
            residentBytes.push(process.memoryUsage.rss());
          }
          const { bytes, type } = mutated(chance.oneOf(originals), originals, chance);
          const startedAt = performance.now();
          const outcome = await outcomeOf(bytes, type);
          const ms = performance.now() - startedAt;
          slowestMs = Math.max(slowestMs, ms);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          if (ms > CASE_MS_MAX) faults.push(`case ${number} took ${Math.round(ms)} ms`);
          if (outcome !== "taken" && !REFUSALS.has(outcome)) faults.push(`case ${number}: ${outcome}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(faults.slice(0, 10)).toEqual([]);
      // A run in which nothing was taken, or nothing refused, would show nothing.
      expect(outcomes.get("taken") ?? 0).toBeGreaterThan(CASES / 50);
      expect(outcomes.get("file_corrupt") ?? 0).toBeGreaterThan(CASES / 50);
      Bun.gc(true);
      residentBytes.push(process.memoryUsage.rss());
      const grownBytes = (residentBytes.at(-1) ?? 0) - (residentBytes[1] ?? 0);
      if (process.env.FUZZ_UPLOADS !== undefined) expect(grownBytes).toBeLessThan(GROWTH_BYTES_MAX);
      const counts = [...outcomes].map(([outcome, times]) => `${outcome}: ${times}`).join(", ");
      const tenths = residentBytes.map((bytes) => Math.round(bytes / 2 ** 20)).join(", ");
      process.stderr.write(
        `${counts}; the slowest took ${Math.round(slowestMs)} ms; MiB at the start and after each tenth: ${tenths}\n`,
      );
    },
    DEADLINE_MS,
  );
});

/** `taken`, the refusal's code, or what is wrong. */
async function outcomeOf(bytes: Uint8Array, type: string): Promise<string> {
  try {
    const taken = await acceptPhoto(bytes, type);
    return (await faultOf(taken.bytes, taken)) ?? "taken";
  } catch (error) {
    return error instanceof Refusal ? error.code : `threw ${error instanceof Error ? error.stack : error}`;
  }
}

/** What is wrong with what would be stored, or null: it must be a plain JPEG of ours, whole and alone. */
async function faultOf(bytes: Uint8Array, claimed: { width: number; height: number }): Promise<string | null> {
  const found = await sharp(bytes, { failOn: "warning" }).metadata();
  if (found.format !== "jpeg" || found.space !== "srgb" || found.depth !== "uchar")
    return `is ${found.format} ${found.space}`;
  if (found.width !== claimed.width || found.height !== claimed.height) return "has another size than was said";
  if (Math.max(found.width, found.height) > EDGE_PX_MAX) return "is larger than we store";
  if (found.exif || found.icc || found.iptc || found.xmp || found.comments?.length) return "carries metadata";
  return tailBytesOfJpeg(bytes) === 0 ? null : "has something behind its end";
}
