import { describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { ACCESS_TOKEN_SECONDS, createAccessTokens } from "../../../src/features/auth/tokens.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { startTestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { launchData, refreshWith, refused, signedIn, signInWith, withToken } from "./sign-in-tools.ts";

const SECRET = "a-secret-of-at-least-thirty-two-bytes-one";
const OTHER_SECRET = "a-secret-of-at-least-thirty-two-bytes-two";
const THIRD_SECRET = "a-secret-of-at-least-thirty-two-bytes-tri";
const clock = createTestClock();
const nowSeconds = Math.floor(clock.now().getTime() / SECOND_MS);
const claims = { userId: newId(), sessionId: newId() };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const goodHeader = { alg: "HS256", typ: "JWT" };
const goodPayload = {
  sub: claims.userId,
  sid: claims.sessionId,
  iss: "atelier",
  aud: "atelier-api",
  nbf: nowSeconds,
  exp: nowSeconds + 600,
};

/** A token of one's own making; unless told otherwise one that is right in every point. */
function forge(parts: { header?: object; payload?: object; secret?: string; hash?: string } = {}): string {
  const signed = `${encode(parts.header ?? goodHeader)}.${encode(parts.payload ?? goodPayload)}`;
  const mac = createHmac(parts.hash ?? "sha256", parts.secret ?? SECRET).update(signed);
  return `${signed}.${mac.digest("base64url")}`;
}

function without(name: keyof typeof goodPayload): object {
  return Object.fromEntries(Object.entries(goodPayload).filter(([key]) => key !== name));
}

const verify = (token: string) => createAccessTokens([SECRET], clock).verify(token);

describe("an access token", () => {
  test("of ours is believed, and so is one that was put together by hand in the same way", async () => {
    const tokens = createAccessTokens([SECRET], clock);
    expect(await tokens.verify(await tokens.issue(claims))).toEqual(claims);
    expect(await verify(forge())).toEqual(claims);
  });

  test("says only what it must", async () => {
    const token = await createAccessTokens([SECRET], clock).issue(claims);
    const [header, payload] = token
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(atob(part)));
    expect(header.alg).toBe("HS256");
    expect(Object.keys(payload).sort()).toEqual(["aud", "exp", "iss", "nbf", "sid", "sub"]);
    expect(payload.exp - nowSeconds).toBe(ACCESS_TOKEN_SECONDS);
  });

  test("without a signature, by any spelling of `none`, is refused", async () => {
    for (const alg of ["none", "None", "NONE", "nOnE", "", null]) {
      const bare = `${encode({ alg, typ: "JWT" })}.${encode(goodPayload)}.`;
      expect(await verify(bare)).toBeNull();
      expect(await verify(`${bare}AAAA`)).toBeNull();
      expect(await verify(forge({ header: { alg, typ: "JWT" } }))).toBeNull();
    }
  });

  test("by another algorithm is refused, even when our own secret signed it", async () => {
    expect(await verify(forge({ header: { alg: "HS512", typ: "JWT" }, hash: "sha512" }))).toBeNull();
    expect(await verify(forge({ header: { alg: "HS384", typ: "JWT" }, hash: "sha384" }))).toBeNull();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(goodPayload)}`;
    const signature = sign("sha256", Buffer.from(signed), privateKey).toString("base64url");
    expect(await verify(`${signed}.${signature}`)).toBeNull();
    expect(await verify(forge({ header: { alg: "RS256", typ: "JWT" } }))).toBeNull();
  });

  test("that brings or points to a key of its own is refused", async () => {
    const jwk = { kty: "oct", k: Buffer.from(OTHER_SECRET).toString("base64url") };
    const headers = [
      { ...goodHeader, jwk },
      { ...goodHeader, jku: "https://attacker.example/keys" },
      { ...goodHeader, kid: "../../../../dev/null" },
      { ...goodHeader, kid: "' union select 'x" },
      { ...goodHeader, x5u: "https://attacker.example/cert" },
      { ...goodHeader, crit: ["exp"] },
    ];
    for (const header of headers) expect(await verify(forge({ header, secret: OTHER_SECRET }))).toBeNull();
    expect(await verify(forge({ secret: "" }))).toBeNull();
  });

  test("that lacks any of its claims is refused", async () => {
    for (const name of ["exp", "nbf", "sub", "sid", "iss", "aud"] as const) {
      expect(await verify(forge({ payload: without(name) }))).toBeNull();
    }
  });

  test("with claims of another kind is refused", async () => {
    const payloads = [
      { ...goodPayload, aud: "another-api" },
      { ...goodPayload, iss: "somebody" },
      { ...goodPayload, sub: 5 },
      { ...goodPayload, sid: { $ne: "" } },
      { ...goodPayload, exp: "9999999999" },
      { ...goodPayload, exp: nowSeconds - 6 },
      { ...goodPayload, nbf: nowSeconds + 3_600 },
      { ...goodPayload, nbf: 99_999_999_999 },
    ];
    for (const payload of payloads) expect(await verify(forge({ payload }))).toBeNull();
  });

  test("is refused with any single bit flipped", async () => {
    const tokens = createAccessTokens([SECRET], clock);
    const parts = forge().split(".");
    for (const [which, part] of parts.entries()) {
      const bytes = Buffer.from(part, "base64url");
      for (let bit = 0; bit < bytes.length * 8; bit += 3) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const token = parts.with(which, changed.toString("base64url")).join(".");
        expect(await tokens.verify(token)).toBeNull();
      }
    }
    expect(tokens.remembered).toBe(0);
  });

  test("that is no token at all is refused", async () => {
    for (const text of [
      "",
      ".",
      "..",
      "a.b.c",
      "a.b",
      "\u0000",
      "a".repeat(10_000),
      forge().slice(0, -1),
      `${forge()}.`,
    ]) {
      expect(await verify(text)).toBeNull();
    }
  });
});

describe("keys that rotate", () => {
  test("a token of the second key is believed, one of a retired key is not, and the first key signs", async () => {
    const before = createAccessTokens([OTHER_SECRET], clock);
    const during = createAccessTokens([SECRET, OTHER_SECRET], clock);
    const afterwards = createAccessTokens([SECRET], clock);
    const old = await before.issue(claims);
    expect(await during.verify(old)).toEqual(claims);
    expect(await afterwards.verify(old)).toBeNull();
    expect(await afterwards.verify(await during.issue(claims))).toEqual(claims);
    expect(await before.verify(await during.issue(claims))).toBeNull();
    expect(await during.verify(forge({ secret: THIRD_SECRET }))).toBeNull();
  });
});

describe("a remembered token", () => {
  test("is good for its whole half hour, and not a moment longer than its tolerance", async () => {
    const moving = createTestClock();
    const tokens = createAccessTokens([SECRET], moving);
    const token = await tokens.issue(claims);
    for (let minute = 0; minute < 30; minute += 1) {
      expect(await tokens.verify(token)).toEqual(claims);
      moving.advance(MINUTE_MS);
    }
    moving.advance(5 * SECOND_MS);
    expect(await tokens.verify(token)).toBeNull();
    expect(await tokens.verify(token)).toBeNull();
    expect(tokens.remembered).toBe(0);
  });

  test("takes bounded memory, and made-up ones take none", async () => {
    const tokens = createAccessTokens([SECRET], clock, 50);
    const issued: string[] = [];
    for (let index = 0; index < 120; index += 1)
      issued.push(await tokens.issue({ userId: newId(), sessionId: newId() }));
    for (const token of issued) await tokens.verify(token);
    for (let index = 0; index < 200; index += 1)
      await tokens.verify(forge({ secret: OTHER_SECRET, payload: { index } }));
    expect(tokens.remembered).toBe(50);
    expect(await tokens.verify(issued[0] ?? "")).not.toBeNull();
    expect(tokens.remembered).toBe(50);
  });
});

const product = await startTestApp({ settings: { JWT_SECRET: `${SECRET},${OTHER_SECRET}` } });

describe("over HTTP", () => {
  test("a refresh token opens nothing, and an access token refreshes nothing", async () => {
    const body = await signedIn(await signInWith(product, launchData(product)));
    expect(await refused(await withToken(product, body.refresh_token))).toEqual([401, "unauthenticated"]);
    expect(await refused(await withToken(product, `a.${body.refresh_token}.b`))).toEqual([401, "unauthenticated"]);
    expect(await refused(await refreshWith(product, body.access_token))).toEqual([401, "unauthenticated"]);
  });

  test("a token with a good signature for a session or a person that does not fit opens nothing", async () => {
    const [anna, boris] = [
      await signedIn(await signInWith(product, launchData(product))),
      await signedIn(await signInWith(product, launchData(product))),
    ];
    const sessionOf = (token: string): string => JSON.parse(atob(token.split(".")[1] ?? "")).sid;
    const attempts = [
      { sub: boris.user.id, sid: sessionOf(anna.access_token) },
      { sub: anna.user.id, sid: newId() },
      { sub: newId(), sid: sessionOf(anna.access_token) },
    ];
    for (const attempt of attempts) {
      const token = forge({ payload: { ...goodPayload, ...attempt } });
      expect(await refused(await withToken(product, token))).toEqual([401, "unauthenticated"]);
    }
    const right = forge({ payload: { ...goodPayload, sub: anna.user.id, sid: sessionOf(anna.access_token) } });
    expect((await withToken(product, right)).status).toBe(200);
  });

  test("a signed token whose ids are no ids is refused, not a fault of ours", async () => {
    for (const id of ["x", "' or 1=1", "00000000-0000-0000-0000-00000000000g"]) {
      const token = forge({ payload: { ...goodPayload, sub: id, sid: id } });
      expect(await refused(await withToken(product, token))).toEqual([401, "unauthenticated"]);
    }
  });

  test("the header must say Bearer and one token", async () => {
    const { access_token: token } = await signedIn(await signInWith(product, launchData(product)));
    const headers = [`Basic ${token}`, token, `Bearer  ${token}`, `Bearer ${token} x`, `tma ${token}`, "Bearer "];
    for (const authorization of headers) {
      expect((await product.request("/profile", { headers: { authorization } })).status).toBe(401);
    }
    expect((await product.request("/profile", { headers: { authorization: `bearer ${token}` } })).status).toBe(200);
    expect((await product.request(`/profile?access_token=${token}`)).status).toBe(401);
  });

  test("the time of a token is checked by our own clock", async () => {
    const { access_token: token } = await signedIn(await signInWith(product, launchData(product)));
    product.clock.advance(ACCESS_TOKEN_SECONDS * SECOND_MS + 6 * SECOND_MS);
    expect(await refused(await withToken(product, token))).toEqual([401, "unauthenticated"]);
  });
});
