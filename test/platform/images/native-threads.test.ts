import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { createImages } from "../../../src/platform/images/index.ts";
import { createThreadTeller, PICTURE_THREAD } from "../../../src/platform/images/native-threads.ts";
import { flat } from "./pictures.ts";

const isLinux = process.platform === "linux";
const NICENESS_FIELD = 16;

const nameOf = (thread: string) => readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();

/** The niceness of each of our threads, by name. */
function niceness(): { name: string; nice: number }[] {
  return readdirSync("/proc/self/task").flatMap((thread) => {
    try {
      const facts = readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
      const nameEnd = facts.lastIndexOf(")");
      const name = facts.slice(facts.indexOf("(") + 1, nameEnd);
      return [{ name, nice: Number(facts.slice(nameEnd + 2).split(" ")[NICENESS_FIELD]) }];
    } catch {
      return [];
    }
  });
}

test.if(isLinux)(
  "H4 threads that work on pictures let the event loop go first; all others stay as they are",
  async () => {
    const before = getPriority();
    const images = createImages({ concurrency: 2 });
    const png = await (await flat(3_000, 2_000, [1, 2, 3])).png().toBuffer();
    for (let round = 0; round < 2; round += 1) {
      await Promise.all([images.acceptPhoto(png, "image/png"), images.acceptPhoto(png, "image/png")]);
    }
    const threads = niceness();
    const [workers, others] = [true, false].map((isWorker) =>
      threads.filter(({ name }) => (name === PICTURE_THREAD) === isWorker),
    );
    expect(workers?.length).toBeGreaterThan(0);
    expect(workers?.map(({ nice }) => nice)).toEqual(workers?.map(() => Math.min(19, before + 10)) ?? []);
    expect(others?.length).toBeGreaterThan(0);
    expect(others?.filter(({ nice }) => nice !== before)).toEqual([]);
    expect(getPriority()).toBe(before);
  },
);

test.if(isLinux)("each is told once, and what somebody else tells it later stands", () => {
  const tell = createThreadTeller();
  tell();
  const [worker] = readdirSync("/proc/self/task").filter((thread) => nameOf(thread) === PICTURE_THREAD);
  if (worker === undefined) throw new Error("the pictures of the test before left no thread");
  setPriority(Number(worker), 19);
  tell();
  expect(getPriority(Number(worker))).toBe(19);
});
