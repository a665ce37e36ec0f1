import { afterAll, beforeAll, expect, test } from "bun:test";
import { createImages } from "../../src/platform/images/index.ts";
import { fetchResult } from "../../src/providers/fetch-result.ts";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import { ZONE_BOXES } from "../../src/sandbox/zone-boxes.ts";
import { type KieLane, startKieLane } from "./kie-lane.ts";

const SKIN = [200, 160, 140] as const;
const SIDE = 200;
const person = plainPng(SIDE, SIDE, SKIN);
const item = plainPng(100, 100, [20, 40, 200]);

const images = createImages();
let lane: KieLane;
beforeAll(async () => {
  await images.warmUp();
  lane = await startKieLane({ images });
});
afterAll(() => lane.emulator.stop());

async function upload(bytes: Uint8Array): Promise<string> {
  return (await lane.client.uploadImage({ bytes, mime: "image/png" })).url;
}

async function pictureOf(prompt: string, inputs: Uint8Array[]): Promise<Uint8Array> {
  const task = await lane.run(prompt, await Promise.all(inputs.map(upload)));
  expect(task.state).toBe("succeeded");
  const picture = await fetchResult(task.resultUrls[0] ?? "", {
    hosts: [lane.emulator.resultHost],
    loopbackAllowed: true,
    bytesMax: 5_000_000,
    timeoutMs: 10_000,
  });
  expect(await images.acceptResult(picture)).toMatchObject({ mime: "image/jpeg", width: SIDE, height: SIDE });
  return picture;
}

test("a fitting shows the item in its zone and leaves the rest of the person alone", async () => {
  for (const zone of ["top", "face"]) {
    const picture = await pictureOf(`zone: ${zone}`, [person, item]);
    const box = ZONE_BOXES[zone];
    if (box === undefined) throw new Error("no such zone");
    const { inside, outside } = await images.luminanceDifference(person, picture, box);
    expect(inside).toBeGreaterThan(20);
    expect(outside).toBeCloseTo(0, 9);
  }
});

test("an editing changes the picture by the words of its prompt", async () => {
  const plain = await pictureOf("nothing that it knows", [person]);
  const darker = await pictureOf("сделай темнее", [person]);
  const middle = { left: 0.3, top: 0.4, width: 0.4, height: 0.3 };
  expect((await images.luminanceDifference(person, plain, middle)).inside).toBe(0);
  expect((await images.luminanceDifference(person, darker, middle)).inside).toBeGreaterThan(20);
  expect(plain).not.toEqual(person);
});

test("J9 an input that begins like a picture and is none fails its task", async () => {
  const truncated = person.slice(0, 60);
  const task = await lane.run("zone: top", [await upload(person), await upload(truncated)]);
  expect(task.failure?.kind).toBe("input_unreachable");
});
