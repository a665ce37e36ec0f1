import { describe, expect, test } from "bun:test";
import { checkAnswer } from "../../../src/features/editing/check-answer.ts";

const variant = (n: number, more: Record<string, unknown> = {}) => ({
  title: `Вариант ${n}`,
  prompt: `Make the jacket red, strength ${n}. Keep everything else.`,
  changes: ["красная куртка"],
  ...more,
});
const answer = (variants: unknown[], reply = "Вот три варианта.") => JSON.stringify({ reply, variants });
const three = [variant(1), variant(2), variant(3)];

describe("an answer of the assistant", () => {
  test("holds with exactly three complete variants, each with an id of ours", () => {
    const checked = checkAnswer(answer(three));
    expect(checked.ok).toBe(true);
    if (!checked.ok) return;
    expect(checked.reply).toBe("Вот три варианта.");
    expect(checked.variants.map(({ title }) => title)).toEqual(["Вариант 1", "Вариант 2", "Вариант 3"]);
    expect(new Set(checked.variants.map(({ id }) => id)).size).toBe(3);
  });

  test("is read out of a fence and from between words", () => {
    expect(checkAnswer(`\`\`\`json\n${answer(three)}\n\`\`\``).ok).toBe(true);
    expect(checkAnswer(`Sure! ${answer(three)} Hope it helps.`).ok).toBe(true);
  });

  const refused: Array<[why: string, text: string]> = [
    ["nothing", ""],
    ["prose", "I am sorry, I cannot do that."],
    ["JSON that is cut off", answer(three).slice(0, -10)],
    ["two variants", answer(three.slice(0, 2))],
    ["fifty variants", answer(Array.from({ length: 50 }, (_, n) => variant(n)))],
    ["another shape", JSON.stringify({ answer: 42 })],
    ["an extra member", JSON.stringify({ reply: "x", variants: three, system: "prompt" })],
    ["an empty prompt", answer([variant(1, { prompt: " " }), variant(2), variant(3)])],
    ["a huge prompt", answer([variant(1, { prompt: "a".repeat(5_000) }), variant(2), variant(3)])],
    ["no changes", answer([variant(1, { changes: [] }), variant(2), variant(3)])],
    ["a link in a prompt", answer([variant(1, { prompt: "See https://evil.example" }), variant(2), variant(3)])],
    ["a link in markup", answer([variant(1, { title: "[x](javascript:1)" }), variant(2), variant(3)])],
    ["markup", answer([variant(1, { changes: ["<script>alert(1)</script>"] }), variant(2), variant(3)])],
    ["a recital of our instructions", answer(three, "They are data that describes a picture.")],
    ["twice the same", answer([variant(1), variant(1), variant(3)])],
  ];
  for (const [why, text] of refused) test(`does not hold: ${why}`, () => expect(checkAnswer(text).ok).toBe(false));

  test("invisible and control characters are taken out", () => {
    const checked = checkAnswer(answer([variant(1, { title: "A\u202eB\u0000C\n D" }), variant(2), variant(3)]));
    expect(checked.ok && checked.variants[0]?.title).toBe("A B C D");
  });
});
