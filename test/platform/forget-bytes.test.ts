import { describe, expect, test } from "bun:test";
import { forgetBytes } from "../../src/platform/forget-bytes.ts";

describe("I3 I5 bytes", () => {
  test("are gone once they are forgotten, and may be forgotten again", () => {
    const bytes = new Uint8Array(12);
    forgetBytes(bytes);
    expect(bytes.byteLength).toBe(0);
    forgetBytes(bytes);
    expect(bytes.byteLength).toBe(0);
  });

  test("that are part of something larger are left to its owner", () => {
    const whole = new Uint8Array(24).fill(7);
    forgetBytes(whole.subarray(12));
    forgetBytes(whole.subarray(0, 12));
    expect(whole).toEqual(new Uint8Array(24).fill(7));
  });
});
