import { describe, expect, test } from "bun:test";
import { createUploadGate } from "../../../src/features/photos/upload-gate.ts";
import { Refusal } from "../../../src/platform/errors.ts";

const MEGABYTE = 1024 * 1024;

/** A gate with all places taken; `end` lets those inside go. */
function fullGate() {
  const gate = createUploadGate();
  const { promise, resolve: end } = Promise.withResolvers<void>();
  let people = 0;
  let entered = 0;
  const come = (bytes: number | null): Promise<string> => {
    people += 1;
    const headers = new Headers(bytes === null ? {} : { "content-length": String(bytes) });
    const work = async () => {
      entered += 1;
      await promise;
      return "done";
    };
    return gate
      .pass(`person ${people}`, new Request("http://x/", { headers }), work)
      .catch((error: unknown) => (error instanceof Refusal ? error.code : String(error)));
  };
  const inside = Array.from({ length: 8 }, () => come(MEGABYTE));
  return { come, end, inside, entered: () => entered };
}

describe("the upload gate", () => {
  test("X9 lets wait what is announced up to 256 MiB together, and refuses the rest at once", async () => {
    const { come, end, inside, entered } = fullGate();
    const waiting = Array.from({ length: 25 }, () => come(10 * MEGABYTE));
    expect(await come(7 * MEGABYTE)).toBe("busy");
    const last = come(6 * MEGABYTE);
    expect(await come(1)).toBe("busy");
    expect(entered()).toBe(8);
    end();
    expect(new Set(await Promise.all([...inside, ...waiting, last]))).toEqual(new Set(["done"]));
    expect(entered()).toBe(34);
  });

  test("X9 takes a body that does not say how long it is for a large one", async () => {
    const { come, end, inside } = fullGate();
    const waiting = Array.from({ length: 25 }, () => come(null));
    expect(await come(null)).toBe("busy");
    end();
    expect(new Set(await Promise.all([...inside, ...waiting]))).toEqual(new Set(["done"]));
  });
});
