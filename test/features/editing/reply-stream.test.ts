import { describe, expect, test } from "bun:test";
import { createReplyStream } from "../../../src/features/editing/reply-stream.ts";

const REPLY = 'Сделаю "ярче" \\ и теплее\n😀 конец';
const ANSWER = `{ "reply": ${JSON.stringify(REPLY)}, "variants": [{"title":"не это"}] }`;

describe("the reply while it is being written", () => {
  for (const size of [1, 2, 3, 7, 1_000]) {
    test(`comes out decoded and whole from pieces of ${size}`, () => {
      const pieces: string[] = [];
      const stream = createReplyStream((text) => pieces.push(text));
      for (let at = 0; at < ANSWER.length; at += size) stream.push(ANSWER.slice(at, at + size));
      expect(pieces.join("")).toBe(REPLY);
    });
  }

  test("escaped characters cut anywhere stay whole", () => {
    const escaped = '{"reply":"\\ud83d\\ude00 \\u0416","variants":[]}';
    const pieces: string[] = [];
    const stream = createReplyStream((text) => pieces.push(text));
    for (const character of escaped) stream.push(character);
    expect(pieces.join("")).toBe("😀 Ж");
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });

  test("nothing comes out of an answer of another shape, and a reset begins anew", () => {
    const pieces: string[] = [];
    const stream = createReplyStream((text) => pieces.push(text));
    stream.push('{"variants":[{"title":"x"}]}');
    expect(pieces).toEqual([]);
    stream.reset();
    stream.push('{"reply":"da');
    stream.reset();
    stream.push('{"reply":"net"}');
    expect(pieces).toEqual(["da", "net"]);
  });
});
