import { describe, expect, test } from "bun:test";
import type { PictureOperation } from "../../src/platform/images/index.ts";
import { makePicture, operationsFor } from "../../src/sandbox/kie-picture.ts";
import { CENTRAL_BOX, ZONE_BOXES } from "../../src/sandbox/zone-boxes.ts";
import { ITEM, PERSON, recordingMaker } from "./kie-lane.ts";

const ZONES = [
  ...["top", "bottom", "full_body", "outerwear", "shoes"],
  ...["head", "face", "ears", "neck", "wrist", "hand", "waist", "bag"],
];

describe("a fitting", () => {
  test("has a box inside the picture for every zone of the product", () => {
    expect(Object.keys(ZONE_BOXES).sort()).toEqual([...ZONES].sort());
    for (const { left, top, width, height } of Object.values(ZONE_BOXES)) {
      expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
      expect(Math.min(width, height)).toBeGreaterThan(0.05);
      expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(1);
    }
  });

  test("puts the second picture on the first where the prompt says, or in the middle", async () => {
    for (const zone of [...ZONES, "tail"]) {
      const maker = recordingMaker();
      expect(await makePicture(maker, `Dress the person. zone: ${zone}. Keep the face.`, [PERSON, ITEM])).toBe(PERSON);
      expect(maker.orders).toEqual([{ box: ZONE_BOXES[zone] ?? CENTRAL_BOX, label: "SANDBOX", item: ITEM }]);
    }
  });
});

describe("an editing", () => {
  const rows: [prompt: string, operations: PictureOperation[]][] = [
    ["Make it warmer", [{ kind: "warmth", amount: 0.6 }]],
    ["сделай теплее", [{ kind: "warmth", amount: 0.6 }]],
    ["сделай холоднее", [{ kind: "warmth", amount: -0.6 }]],
    ["Black and white, please", [{ kind: "grayscale" }]],
    ["чёрно-белым", [{ kind: "grayscale" }]],
    ["Blur the background", [{ kind: "blur_background" }]],
    ["размой фон", [{ kind: "blur_background" }]],
    ["ярче", [{ kind: "brightness", factor: 1.25 }]],
    ["a bit darker", [{ kind: "brightness", factor: 0.75 }]],
    ["Make the dress RED", [{ kind: "tint", red: 214, green: 40, blue: 40 }]],
    ["синее платье", [{ kind: "tint", red: 42, green: 91, blue: 215 }]],
    ["a light blue wall", [{ kind: "tint", red: 124, green: 198, blue: 254 }]],
    ['add the text "Happy day"', [{ kind: "text", text: "Happy day" }]],
    ["добавь надпись «С праздником»", [{ kind: "text", text: "С праздником" }]],
    ["a coloured, tired, керосиновый thing", []],
    ["", []],
  ];
  for (const [prompt, operations] of rows) {
    test(`of "${prompt}" is ${operations.map(({ kind }) => kind).join() || "nothing but the label"}`, async () => {
      expect(operationsFor(prompt)).toEqual(operations);
      const maker = recordingMaker();
      await makePicture(maker, prompt, [PERSON]);
      expect(maker.orders).toEqual([{ operations, label: "SANDBOX" }]);
    });
  }

  test("does several things at once, and cuts a long text", () => {
    const operations = operationsFor(`warmer and brighter, caption "${"x".repeat(100)}"`);
    expect(operations.map(({ kind }) => kind)).toEqual(["brightness", "warmth", "text"]);
    expect(operations.at(-1)).toEqual({ kind: "text", text: "x".repeat(40) });
  });
});
