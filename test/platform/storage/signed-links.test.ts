import { describe, expect, test } from "bun:test";
import { OperatorError } from "../../../src/platform/errors.ts";
import { newId } from "../../../src/platform/ids.ts";
import { createLinkSigner } from "../../../src/platform/storage/signed-links.ts";

const SECRET = "s".repeat(32);
const OTHER_SECRET = "o".repeat(32);
const NOW = new Date("2026-09-01T12:00:00.000Z");
const LINK = {
  fileId: "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
  ownerId: "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0002",
  purpose: "view" as const,
  expiresAt: new Date("2026-09-01T13:00:00.123Z"),
};

function signer(secrets = [SECRET], now = NOW) {
  return createLinkSigner({ secrets, clock: { now: () => now } });
}

describe("X6 signed links", () => {
  test("X6 a link gives back what it was signed for, in 84 characters that need no escaping", () => {
    const token = signer().sign(LINK);
    expect(token).toMatch(/^[A-Za-z0-9_-]{84}$/);
    expect(signer().verify(token)).toEqual({ ...LINK, download: false });
    expect(signer().verify(signer().sign({ ...LINK, purpose: "provider", download: true }))).toEqual({
      ...LINK,
      purpose: "provider",
      download: true,
    });
  });

  test("X6 every alteration of a single character is refused", () => {
    const { sign, verify } = signer();
    const token = sign(LINK);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. ";
    let tried = 0;
    for (let index = 0; index < token.length; index += 1) {
      for (const character of alphabet) {
        if (character === token[index]) continue;
        const altered = token.slice(0, index) + character + token.slice(index + 1);
        if (verify(altered) !== null) throw new Error(`accepted with ${character} at ${index}`);
        tried += 1;
      }
    }
    expect(tried).toBe(token.length * (alphabet.length - 1));
  });

  test("X6 no other spelling of the same bytes is taken", () => {
    const { sign, verify } = signer();
    const token = sign({ ...LINK, fileId: "ffffffff-ffff-7fff-bfff-ffffffffffff" });
    expect(token).toContain("_");
    const standardBase64 = token.replaceAll("-", "+").replaceAll("_", "/");
    for (const other of [standardBase64, `${token}=`, `${token}\n`, ` ${token}`, `${token}A`, `${token}AA`]) {
      expect(verify(other)).toBeNull();
    }
  });

  test("X6 tokens that are cut, doubled, empty or absurdly long are refused", () => {
    const { sign, verify } = signer();
    const token = sign(LINK);
    for (const length of [0, 1, 40, 83]) expect(verify(token.slice(0, length))).toBeNull();
    for (const text of [token + token, "A".repeat(84), "A".repeat(100_000), "../../etc/passwd"]) {
      expect(verify(text)).toBeNull();
    }
  });

  test("X6 a link is dead from the moment of its expiry", () => {
    const token = signer().sign(LINK);
    const expiry = LINK.expiresAt.getTime();
    expect(signer([SECRET], new Date(expiry - 1)).verify(token)).not.toBeNull();
    expect(signer([SECRET], new Date(expiry)).verify(token)).toBeNull();
    expect(signer([SECRET], new Date(expiry + 1)).verify(token)).toBeNull();
  });

  test("X6 a link for one purpose does not serve another", () => {
    const { sign, verify } = signer();
    expect(verify(sign(LINK), "view")).not.toBeNull();
    expect(verify(sign(LINK), "provider")).toBeNull();
    expect(verify(sign({ ...LINK, purpose: "provider" }), "view")).toBeNull();
  });

  test("X6 a link of another secret is refused; after a change of secrets old links live on and new ones are signed anew", () => {
    const old = signer([SECRET]).sign(LINK);
    expect(signer([OTHER_SECRET]).verify(old)).toBeNull();
    const rotated = signer([OTHER_SECRET, SECRET]);
    expect(rotated.verify(old)).not.toBeNull();
    expect(signer([SECRET]).verify(rotated.sign(LINK))).toBeNull();
    expect(signer([OTHER_SECRET]).verify(rotated.sign(LINK))).not.toBeNull();
  });

  test("X6 links differ for each owner, file, expiry, purpose and kind of answer", () => {
    const { sign } = signer();
    const tokens = [
      sign(LINK),
      sign({ ...LINK, ownerId: newId() }),
      sign({ ...LINK, fileId: newId() }),
      sign({ ...LINK, expiresAt: new Date(LINK.expiresAt.getTime() + 1) }),
      sign({ ...LINK, purpose: "provider" }),
      sign({ ...LINK, download: true }),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

test("a missing or short secret stops the program with a sentence", () => {
  expect(() => signer([])).toThrow(OperatorError);
  expect(() => signer(["s".repeat(31)])).toThrow(OperatorError);
  expect(() => signer([SECRET, "short"])).toThrow("at least 32 bytes");
  expect(signer(["ы".repeat(16)]).sign(LINK)).toHaveLength(84);
});

test("signing for something that is no id, or for no moment, is a bug", () => {
  expect(() => signer().sign({ ...LINK, fileId: "photos/ab/x.jpg" })).toThrow("invariant");
  expect(() => signer().sign({ ...LINK, ownerId: "" })).toThrow("invariant");
  expect(() => signer().sign({ ...LINK, expiresAt: new Date(Number.NaN) })).toThrow("invariant");
});
