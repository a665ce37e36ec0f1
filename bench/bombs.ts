import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { joined, latin1, pngClaiming, withPngChunk } from "../test/platform/images/pictures.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { amount } from "./amount.ts";
import { forgetPeak, processMemory } from "./process-memory.ts";
import { OURS, report } from "./result.ts";
import { quantile } from "./samples.ts";
import { openShop, type Visitor } from "./shop.ts";

/**
 * I5: small files that would unpack to gigabytes, uploaded to the compiled program, one after another. Each must be refused from
 * its header: the whole request within milliseconds, and without memory for a picture. The memory is the most that the
 * server had during a round, less what it had at its beginning.
 */
const EACH = amount("EACH", 50);
const ROUNDS = amount("ROUNDS", 3);

interface Bomb {
  name: string;
  type: string;
  bytes: Uint8Array;
  code: string;
}

/** The greatest edge that libjpeg takes seriously; beyond it the file counts as damaged. */
const JPEG_EDGE_MAX = 65_500;

/** The size in a JPEG's frame header, two bytes each, is set to the greatest. */
function claimLargest(jpeg: Uint8Array): Uint8Array {
  const bomb = Buffer.from(jpeg);
  let at = 2;
  while (bomb[at + 1] !== 0xc0) at += 2 + bomb.readUInt16BE(at + 2);
  bomb.writeUInt16BE(JPEG_EDGE_MAX, at + 5);
  bomb.writeUInt16BE(JPEG_EDGE_MAX, at + 7);
  return bomb;
}

/** The greatest edge of a WebP, less one, twice in 14 bits. */
const WEBP_SIZE_BITS = 0x0fff_bffe;

/** The size in a lossless WebP is set to the greatest. */
function claimLargestWebp(webp: Uint8Array): Uint8Array {
  const bomb = Buffer.from(webp);
  const at = bomb.indexOf("VP8L") + 9;
  bomb.writeUInt32LE(((bomb.readUInt32LE(at) & 0xf000_0000) | WEBP_SIZE_BITS) >>> 0, at);
  return bomb;
}

async function makeBombs(): Promise<Bomb[]> {
  const small = sharp({ create: { width: 80, height: 80, channels: 3, background: "#808080" } });
  const packed = deflateSync(Buffer.alloc(64 * 1_048_576));
  const text = (copy: number) => joined(latin1(`Comment${copy}\0\0`), packed);
  let texts: Uint8Array = pngClaiming(30_000, 30_000);
  for (let copy = 0; copy < 16; copy += 1) texts = withPngChunk(texts, "zTXt", text(copy));
  const code = "image_too_many_pixels";
  return [
    { name: "PNG of 900 megapixels", type: "image/png", bytes: pngClaiming(30_000, 30_000), code },
    { name: "PNG one row over the limit", type: "image/png", bytes: pngClaiming(8_000, 5_001), code },
    { name: "PNG with a gigabyte of packed text", type: "image/png", bytes: texts, code },
    {
      ...{ name: "JPEG of 4 290 megapixels", type: "image/jpeg", code },
      bytes: claimLargest(await small.clone().jpeg().toBuffer()),
    },
    {
      ...{ name: "WebP of 268 megapixels", type: "image/webp", code },
      bytes: claimLargestWebp(await small.clone().webp({ lossless: true }).toBuffer()),
    },
  ];
}

async function refusedMs(visitor: Visitor, { bytes, type, name, code }: Bomb): Promise<number> {
  const form = new FormData();
  form.set("user_photo", new File([new Uint8Array(bytes)], "photo", { type }));
  const beganMs = performance.now();
  const answer = await visitor.call("POST", "/fitting/upload", form);
  const problem = (await answer.json()) as { code?: string };
  const tookMs = performance.now() - beganMs;
  if (answer.ok || problem.code !== code) throw new Error(`${name} was answered ${answer.status} ${problem.code}`);
  return tookMs;
}

const bombs = await makeBombs();
const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
try {
  const visitor = await shop.visitor();
  const samples = await alternate(
    {
      [OURS]: async () => {
        const { residentMb } = await processMemory(shop.processId);
        await forgetPeak(shop.processId);
        let worstMs = 0;
        for (const bomb of bombs) {
          const waits: number[] = [];
          for (let sent = 0; sent < EACH; sent += 1) waits.push(await refusedMs(visitor, bomb));
          const p99Ms = quantile(waits, 0.99);
          process.stderr.write(`  ${bomb.name}, ${bomb.bytes.byteLength} bytes: p99 ${p99Ms.toFixed(1)} ms\n`);
          worstMs = Math.max(worstMs, p99Ms);
        }
        const { peakMb } = await processMemory(shop.processId);
        return { refused_p99_ms: worstMs, memory_mb: peakMb - residentMb };
      },
    },
    ROUNDS,
  );
  await report("bombs", samples, [
    { goal: "I5", what: "refused_p99_ms", atMost: 20 },
    { goal: "I5", what: "memory_mb", atMost: 10 },
  ]);
} finally {
  await shop.stop();
}
