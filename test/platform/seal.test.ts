import { expect, test } from "bun:test";
import { createSeal } from "../../src/platform/seal.ts";

test("what was sealed opens with the same secret and salt only, and never when it was touched", () => {
  const seal = createSeal("a password", "account");
  const sealed = seal.close("a token");
  expect(sealed).not.toContain("token");
  expect(seal.close("a token")).not.toBe(sealed);
  expect(createSeal("a password", "account").open(sealed)).toBe("a token");
  expect(createSeal("another", "account").open(sealed)).toBeNull();
  expect(createSeal("a password", "other account").open(sealed)).toBeNull();
  for (const damaged of ["", "x", sealed.slice(0, -1), `A${sealed.slice(1)}`, `${sealed}AAAA`]) {
    expect(seal.open(damaged === sealed ? "" : damaged)).toBeNull();
  }
});

test("its fingerprint tells secrets apart and shows neither them nor the key", () => {
  const print = createSeal("a password", "account").fingerprint();
  expect(print).toMatch(/^[0-9a-f]{32}$/);
  expect(createSeal("a password", "account").fingerprint()).toBe(print);
  expect(createSeal("another", "account").fingerprint()).not.toBe(print);
  expect(createSeal("a password", "other account").fingerprint()).not.toBe(print);
});
