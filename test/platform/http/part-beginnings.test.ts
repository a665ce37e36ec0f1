import { describe, expect, test } from "bun:test";
import { watchBeginnings } from "../../../src/platform/http/part-beginnings.ts";

const BOUNDARY = "a-boundary-of-24-letters";
const part = (name: string, content: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="x"\r\n\r\n${content}\r\n`;
const body = Buffer.from(
  `${part("first", "x".repeat(300))}${part("second", "--a-boundary-of-24")}${part("third", "")}--${BOUNDARY}--\r\n`,
);

describe("the beginnings of parts", () => {
  test("are found whatever the chunks, wherever a delimiter is torn", () => {
    for (let size = 1; size <= body.length; size += 1) {
      const beginnings = watchBeginnings(BOUNDARY, { bytes: 200, count: 3 });
      for (let at = 0; at < body.length; at += size) beginnings.see(new Uint8Array(body.subarray(at, at + size)));
      const names = [0, 1, 2, 3].map((index) => beginnings.nameOfPart(index));
      expect([size, ...names]).toEqual([size, "first", "second", "third", undefined]);
    }
  });

  test("are kept of so many parts and no more", () => {
    const beginnings = watchBeginnings(BOUNDARY, { bytes: 200, count: 1 });
    beginnings.see(body);
    expect([beginnings.nameOfPart(0), beginnings.nameOfPart(1)]).toEqual(["first", undefined]);
  });
});
