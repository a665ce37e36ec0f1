import { plainPng } from "./plain-png.ts";
import { type Box, boxFor } from "./zone-boxes.ts";

/** The label on everything that the sandbox draws, so that nobody takes it for the real thing. */
export const SANDBOX_LABEL = "SANDBOX";

/** One change to a picture, as the emulated model understands it. */
export type PictureOperation =
  | { kind: "tint"; colour: string }
  | { kind: "grayscale" }
  | { kind: "blur_background" }
  | { kind: "brightness"; factor: number }
  | { kind: "warmth"; factor: number }
  | { kind: "text"; text: string };

/** What the emulated model needs to draw with. Every answer is a PNG. */
export interface PictureMaker {
  composeOnto(order: { base: Uint8Array; item: Uint8Array; box: Box; label: string }): Promise<Uint8Array>;
  adjust(base: Uint8Array, operations: readonly PictureOperation[], label: string): Promise<Uint8Array>;
}

const BLANK_SIDE_PIXELS = 512;
const TEXT_CHARACTERS_MAX = 40;
/** Above 1 is brighter or warmer, below 1 darker or colder. */
const MORE = 1.25;
const LESS = 0.8;

/** Each stem is looked for in the prompt in lower case, at the beginning of a word. */
const WORDS: readonly (readonly [stems: readonly string[], operation: PictureOperation])[] = [
  [["black and white", "black-and-white", "grayscale", "чёрно-бел", "черно-бел"], { kind: "grayscale" }],
  [["blur", "размы", "размой"], { kind: "blur_background" }],
  [["bright", "lighter", "ярче", "светлее", "осветли"], { kind: "brightness", factor: MORE }],
  [["darker", "darken", "темнее", "тёмнее", "затемни"], { kind: "brightness", factor: LESS }],
  [["warm", "тепле", "тёпл"], { kind: "warmth", factor: MORE }],
  [["cold", "cool", "холодн"], { kind: "warmth", factor: LESS }],
];

const COLOURS: readonly (readonly [stems: readonly string[], colour: string])[] = [
  [["red", "красн"], "#d62828"],
  [["orange", "оранжев"], "#f77f00"],
  [["yellow", "жёлт", "желт"], "#f4d35e"],
  [["green", "зелён", "зелен"], "#2a9d4a"],
  [["light blue", "голуб"], "#7cc6fe"],
  [["blue", "син"], "#2a5bd7"],
  [["purple", "violet", "фиолетов"], "#7b2cbf"],
  [["pink", "розов"], "#ff8fab"],
  [["brown", "коричнев"], "#7f5539"],
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
  if (colour !== undefined) operations.push({ kind: "tint", colour });
  const words = /(?:text|caption|надпись|текст)[^"«“]{0,20}["«“]([^"»”]+)["»”]/i.exec(prompt)?.[1];
  if (words !== undefined) operations.push({ kind: "text", text: words.slice(0, TEXT_CHARACTERS_MAX) });
  return operations;
}

function hasStem(text: string, stem: string): boolean {
  // `\b` knows no Cyrillic.
  return new RegExp(`(?<!\\p{L})${stem}`, "u").test(text);
}
