import { beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { eq } from "drizzle-orm";
import { users } from "../../src/features/profile/index.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import type { Person } from "../support/app.ts";
import { type Owner, PERSON_ROUTES, useOwner } from "../support/owner.ts";

const front = useOwner();
const { shared, ask, asksFor } = front;
let owner: Owner;
let other: Person;
beforeAll(() => {
  owner = front.owner();
  other = front.other();
});

/** A token with any header and claims, signed with the server's own key unless told otherwise. */
function forged(options: { header?: object; claims?: object; key?: string; algorithm?: string } = {}): string {
  const nowSeconds = Math.floor(shared().clock.now().getTime() / SECOND_MS);
  const [, ownClaims = ""] = owner.person.token.split(".");
  const claims = JSON.parse(Buffer.from(ownClaims, "base64url").toString()) as object;
  const text = [
    { alg: "HS256", ...options.header },
    { ...claims, nbf: nowSeconds, exp: nowSeconds + 600, ...options.claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const key = options.key ?? shared().ctx.settings.JWT_SECRET[0] ?? "";
  const signature = createHmac(options.algorithm ?? "sha256", key)
    .update(text.join("."))
    .digest("base64url");
  return [...text, signature].join(".");
}

function flipped(text: string, at: number): string {
  const index = (text.length + at) % text.length;
  return `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`;
}

describe("whoever is not signed in", () => {
  test("a token forged with the right key and claims is taken, so that the refusals below mean something", async () => {
    const response = await shared().request("/profile", { headers: { authorization: `Bearer ${forged()}` } });
    expect(response.status).toBe(200);
  });

  const HOUR_SECONDS = 3_600;
  const seconds = (delta: number) => Math.floor(shared().clock.now().getTime() / SECOND_MS) + delta;
  const strangers: [who: string, headers: () => Record<string, string>][] = [
    ["nobody", () => ({})],
    ["an empty token", () => ({ authorization: "Bearer " })],
    ["a token of rubbish", () => ({ authorization: "Bearer a.b.c" })],
    ["a word", () => ({ authorization: "owner" })],
    ["another scheme", () => ({ authorization: `Basic ${Buffer.from("admin:admin").toString("base64")}` })],
    ["Telegram's data where a token belongs", () => ({ authorization: "tma query_id=1&hash=00" })],
    ["a refresh token", () => ({ authorization: `Bearer ${owner.person.refreshToken}` })],
    ["a token with a changed signature", () => ({ authorization: `Bearer ${flipped(owner.person.token, -10)}` })],
    ["a token with changed claims", () => ({ authorization: `Bearer ${flipped(owner.person.token, 60)}` })],
    ["a token without its signature", () => ({ authorization: `Bearer ${owner.person.token.replace(/[^.]+$/, "")}` })],
    ["two tokens", () => ({ authorization: `Bearer ${owner.person.token}, Bearer ${owner.person.token}` })],
    ["`alg: none`", () => ({ authorization: `Bearer ${forged({ header: { alg: "none" } })}` })],
    [
      "another algorithm",
      () => ({ authorization: `Bearer ${forged({ header: { alg: "HS512" }, algorithm: "sha512" })}` }),
    ],
    ["another key", () => ({ authorization: `Bearer ${forged({ key: "x".repeat(40) })}` })],
    ["an empty key", () => ({ authorization: `Bearer ${forged({ key: "" })}` })],
    [
      "a key of the bearer's own in the header",
      () => ({
        authorization: `Bearer ${forged({ key: "x".repeat(40), header: { jwk: { kty: "oct", k: Buffer.from("x".repeat(40)).toString("base64url") }, kid: "../../dev/null" } })}`,
      }),
    ],
    [
      "a token that expired",
      () => ({ authorization: `Bearer ${forged({ claims: { exp: seconds(-HOUR_SECONDS) } })}` }),
    ],
    ["a token that never expires", () => ({ authorization: `Bearer ${forged({ claims: { exp: undefined } })}` })],
    [
      "a token of the future",
      () => ({ authorization: `Bearer ${forged({ claims: { nbf: seconds(HOUR_SECONDS) } })}` }),
    ],
    ["a token for another audience", () => ({ authorization: `Bearer ${forged({ claims: { aud: "another-api" } })}` })],
    ["a token of another issuer", () => ({ authorization: `Bearer ${forged({ claims: { iss: "somebody" } })}` })],
    [
      "a token of a session that never was",
      () => ({ authorization: `Bearer ${forged({ claims: { sid: newId() } })}` }),
    ],
    [
      "the owner's session under another name",
      () => ({ authorization: `Bearer ${forged({ claims: { sub: other.id } })}` }),
    ],
    [
      "ids that are none",
      () => ({ authorization: `Bearer ${forged({ claims: { sub: "' or 1=1", sid: "\u0000" } })}` }),
    ],
    ["ids that are no text", () => ({ authorization: `Bearer ${forged({ claims: { sub: 1, sid: [] } })}` })],
  ];
  for (const [who, headers] of strangers) {
    test(`${who}: 401 on every route for people`, async () => {
      for (const asked of PERSON_ROUTES.flatMap(asksFor)) {
        const { status, problem } = await ask({ ...asked, headers: headers() });
        expect([asked.path, status, problem.code]).toEqual([asked.path, 401, "unauthenticated"]);
      }
    });
  }

  test("after signing out: 401 everywhere, and the refresh token is dead too", async () => {
    const gone = await shared().signIn();
    expect((await shared().request("/profile", { as: gone })).status).toBe(200);
    expect((await shared().request("/auth/logout", { method: "POST", as: gone })).status).toBe(204);
    await expectEverywhere(gone, 401, "unauthenticated");
    const again = await ask({ path: "/auth/refresh", method: "POST", json: { refresh_token: gone.refreshToken } });
    expect([again.status, again.problem.code]).toEqual([401, "unauthenticated"]);
  });

  test("after a ban: 403 everywhere, with the tokens, the refresh token and a new sign-in", async () => {
    const bad = await shared().signIn();
    expect((await shared().request("/profile", { as: bad })).status).toBe(200);
    const bannedAt = shared().clock.now();
    await shared().ctx.db.update(users).set({ bannedAt }).where(eq(users.id, bad.id));
    await expectEverywhere(bad, 403, "banned");
    const again = await ask({ path: "/auth/refresh", method: "POST", json: { refresh_token: bad.refreshToken } });
    expect([again.status, again.problem.code]).toEqual([403, "banned"]);
    await expect(shared().signIn({ telegramId: bad.telegramId })).rejects.toThrow('"banned"');
  });

  async function expectEverywhere(as: Person, status: number, code: string): Promise<void> {
    for (const asked of PERSON_ROUTES.flatMap(asksFor)) {
      const answer = await ask({ ...asked, as });
      expect([asked.path, answer.status, answer.problem.code]).toEqual([asked.path, status, code]);
    }
  }
});

describe("time", () => {
  test("ends an access token after half an hour, also one that was used a moment before", async () => {
    const person = await shared().signIn();
    shared().clock.advance(29 * MINUTE_MS);
    expect((await shared().request("/profile", { as: person })).status).toBe(200);
    shared().clock.advance(2 * MINUTE_MS);
    for (const asked of PERSON_ROUTES.flatMap(asksFor)) {
      expect((await ask({ ...asked, as: person })).status).toBe(401);
    }
    const again = await ask({ path: "/auth/refresh", method: "POST", json: { refresh_token: person.refreshToken } });
    expect(again.status).toBe(200);
  });
});

test("none of this was a fault of ours", () => {
  expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
