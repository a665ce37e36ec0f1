import type { Images, PictureOperation } from "../platform/images/index.ts";
import { plainPng } from "./plain-png.ts";
import { boxFor } from "./zone-boxes.ts";

/** The label on everything that the sandbox draws, so that nobody takes it for the real thing. */
export const SANDBOX_LABEL = "SANDBOX";

/** What the emulated model draws with. Every answer is a PNG. */
export type PictureMaker = Pick<Images, "composeOnto" | "adjust">;

const BLANK_SIDE_PIXELS = 512;
const TEXT_CHARACTERS_MAX = 40;
const BRIGHTER_FACTOR = 1.25;
const DARKER_FACTOR = 0.75;
const WARMTH_AMOUNT = 0.6;

/** Each stem is looked for in the prompt in lower case, at the beginning of a word. */
const WORDS: readonly (readonly [stems: readonly string[], operation: PictureOperation])[] = [
  [["black and white", "black-and-white", "grayscale", "чёрно-бел", "черно-бел"], { kind: "grayscale" }],
  [["blur", "размы", "размой"], { kind: "blur_background" }],
  [["bright", "lighter", "ярче", "светлее", "осветли"], { kind: "brightness", factor: BRIGHTER_FACTOR }],
  [["darker", "darken", "темнее", "тёмнее", "затемни"], { kind: "brightness", factor: DARKER_FACTOR }],
  [["warm", "тепле", "тёпл"], { kind: "warmth", amount: WARMTH_AMOUNT }],
  [["cold", "cool", "холодн"], { kind: "warmth", amount: -WARMTH_AMOUNT }],
];

type Colour = readonly [red: number, green: number, blue: number];

const COLOURS: readonly (readonly [stems: readonly string[], colour: Colour])[] = [
  [
    ["red", "красн"],
    [214, 40, 40],
  ],
  [
    ["orange", "оранжев"],
    [247, 127, 0],
  ],
  [
    ["yellow", "жёлт", "желт"],
    [244, 211, 94],
  ],
  [
    ["green", "зелён", "зелен"],
    [42, 157, 74],
  ],
  [
    ["light blue", "голуб"],
    [124, 198, 254],
  ],
  [
    ["blue", "син"],
    [42, 91, 215],
  ],
  [
    ["purple", "violet", "фиолетов"],
    [123, 44, 191],
  ],
  [
    ["pink", "розов"],
    [255, 143, 171],
  ],
  [
    ["brown", "коричнев"],
    [127, 85, 57],
  ],
];

/**
 * The picture for a prompt. Two inputs or more are a fitting: the second is put on the first, where the prompt's zone is.
 * One input is an editing: a handful of words is understood in Russian and English. None: a blank sheet is edited.
 */
export function makePicture(images: PictureMaker, prompt: string, inputs: readonly Uint8Array[]): Promise<Uint8Array> {
  const [base, item] = inputs;
  if (base !== undefined && item !== undefined) {
    return images.composeOnto({ base, item, box: boxFor(prompt), label: SANDBOX_LABEL });
  }
  const sheet = base ?? plainPng(BLANK_SIDE_PIXELS, BLANK_SIDE_PIXELS, [236, 236, 236]);
  return images.adjust(sheet, operationsFor(prompt), SANDBOX_LABEL);
}

/** The changes that a prompt asks for, in a fixed order; exported for its table test. */
export function operationsFor(prompt: string): PictureOperation[] {
  const text = prompt.toLowerCase();
  const operations = WORDS.filter(([stems]) => stems.some((stem) => hasStem(text, stem))).map(
    ([, operation]) => operation,
  );
  const colour = COLOURS.find(([stems]) => stems.some((stem) => hasStem(text, stem)))?.[1];
  if (colour !== undefined) operations.push({ kind: "tint", red: colour[0], green: colour[1], blue: colour[2] });
  const words = /(?:text|caption|надпись|текст)[^"«“]{0,20}["«“]([^"»”]+)["»”]/i.exec(prompt)?.[1];
  if (words !== undefined) operations.push({ kind: "text", text: words.slice(0, TEXT_CHARACTERS_MAX) });
  return operations;
}

function hasStem(text: string, stem: string): boolean {
  // `\b` knows no Cyrillic.
  return new RegExp(`(?<!\\p{L})${stem}`, "u").test(text);
}
