import { expect, test } from "bun:test";
import { createImages } from "../../../src/platform/images/index.ts";
import { createImageSlots } from "../../../src/platform/images/slots.ts";
import { flat } from "./pictures.ts";

/** Work that ends when it is told to. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, finish: resolve, fail: reject };
}

test("two pictures are worked on at once and the rest wait in the order in which they came", async () => {
  const slots = createImageSlots(2);
  const works = Array.from({ length: 5 }, held);
  const started: number[] = [];
  const runs = works.map((work, index) =>
    slots.run(async () => {
      started.push(index);
      await work.promise;
      return index;
    }),
  );
  await Bun.sleep(0);
  expect([started, slots.waiting()]).toEqual([[0, 1], 3]);
  works[1]?.finish();
  await runs[1];
  await Bun.sleep(0);
  expect([started, slots.waiting()]).toEqual([[0, 1, 2], 2]);
  for (const work of works) work.finish();
  expect(await Promise.all(runs)).toEqual([0, 1, 2, 3, 4]);
  expect([started, slots.waiting()]).toEqual([[0, 1, 2, 3, 4], 0]);

  // Handing slots on has made neither more nor fewer of them.
  const later = Array.from({ length: 3 }, held);
  const laterRuns = later.map((work) => slots.run(() => work.promise));
  await Bun.sleep(0);
  expect(slots.waiting()).toBe(1);
  for (const work of later) work.finish();
  await Promise.all(laterRuns);
});

test("work that fails gives its slot back and the caller hears of it", async () => {
  const slots = createImageSlots(1);
  await expect(slots.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await expect(
    slots.run(() => {
      throw new Error("at once");
    }),
  ).rejects.toThrow("at once");
  expect(await slots.run(async () => "next")).toBe("next");
});

test("every work on a picture takes a slot", async () => {
  const images = createImages({ concurrency: 1 });
  await images.warmUp();
  const png = await (await flat(64, 64, [1, 2, 3])).png().toBuffer();
  const box = { left: 0, top: 0, width: 1, height: 1 };
  const works: Promise<unknown>[] = [
    images.acceptPhoto(png, "image/png"),
    images.acceptResult(png),
    images.watermark(png, "text"),
    images.preview(png, { aiGenerated: true }),
    images.composeOnto({ base: png, item: png, box, label: "text" }),
    images.adjust(png, [], "text"),
    images.luminanceDifference(png, png),
  ];
  expect(images.waiting()).toBe(works.length - 1);
  await Promise.all(works);
  expect(images.waiting()).toBe(0);
});
