import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { amount } from "./amount.ts";
import { photo } from "./photo.ts";
import { processMemory } from "./process-memory.ts";
import { OURS, report } from "./result.ts";
import { openShop } from "./shop.ts";

/**
 * I4: what uploads of 12 megapixels cost in memory, and whether the server tires. Eight callers send 1 000 each to the compiled
 * program: its greatest resident memory ever, and the time of the last hundred uploads by that of the first hundred (after a few
 * that warm up). Then 64 callers do the same to a fresh server: those who wait must wait in the queue with their bodies unread,
 * so that eight times the callers do not take more memory.
 */
const FEW = 8;
const MANY = 64;
const UPLOADS_EACH = amount("UPLOADS_EACH", 1_000);
const UPLOADS_EACH_OF_MANY = amount("UPLOADS_EACH_OF_MANY", 16);
const WINDOW = 100;
const WARM_UP_UPLOADS = 16;

const source = await photo(4_000, 3_000);

interface Course {
  peakMb: number;
  /** When each upload was answered, in order. */
  endsMs: number[];
}

/** A fresh server, `callers` people who each upload one photo after another. */
async function upload(callers: number, each: number): Promise<Course> {
  const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
  try {
    const visitors = await Promise.all(Array.from({ length: callers }, shop.visitor));
    const send = async (visitor: (typeof visitors)[number] | undefined) => {
      const form = new FormData();
      form.set("user_photo", new File([source], "photo.jpg", { type: "image/jpeg" }));
      await visitor?.ask("POST", "/fitting/upload", form);
    };
    for (let sent = 0; sent < WARM_UP_UPLOADS; sent += 1) await send(visitors[sent % callers]);
    const endsMs = [performance.now()];
    await Promise.all(
      visitors.map(async (visitor) => {
        for (let sent = 0; sent < each; sent += 1) {
          await send(visitor);
          endsMs.push(performance.now());
        }
      }),
    );
    return { peakMb: (await processMemory(shop.processId)).peakMb, endsMs };
  } finally {
    await shop.stop();
  }
}

const span = (endsMs: readonly number[], first: number, last: number) => (endsMs[last] ?? NaN) - (endsMs[first] ?? NaN);

const samples = await alternate(
  {
    [OURS]: async () => {
      const few = await upload(FEW, UPLOADS_EACH);
      const total = FEW * UPLOADS_EACH;
      const many = await upload(MANY, UPLOADS_EACH_OF_MANY);
      return {
        peak_mb: few.peakMb,
        last_to_first_hundred: span(few.endsMs, total - WINDOW, total) / span(few.endsMs, 0, WINDOW),
        uploads_per_second: (total * 1_000) / span(few.endsMs, 0, total),
        peak_mb_64_callers: many.peakMb,
        peak_64_to_8_callers: many.peakMb / few.peakMb,
      };
    },
  },
  // One round, and none to warm up: each takes some minutes, begins with a server that has done nothing, and is as long as it
  // is to show what grows.
  1,
  { warmUp: false },
);
await report("memory", samples, [
  { goal: "I4", what: "peak_mb", atMost: 300 },
  { goal: "I4", what: "last_to_first_hundred", atMost: 1.05 },
  { goal: "I4", what: "peak_64_to_8_callers", atMost: 1.1 },
]);
