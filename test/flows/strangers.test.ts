import { beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { eq } from "drizzle-orm";
import { type RouteAccess, routeAccess } from "../../src/access.ts";
import { files } from "../../src/features/photos/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { type Person, type RequestOptions, type TestApp, useTestApp } from "../support/app.ts";
import { balance, finish, order, type Photos, uploadPhotos } from "../support/fitting.ts";

const OWNER_NAME = "Аполлинария";
const OWNER_NOTE = "collar open like a sailor of 1923";

/** Everything of a person that another one must never see or move. */
interface Owner {
  person: Person;
  photos: Photos;
  finished: string;
  running: string;
  queued: string;
  entries: string[];
  link: string;
}

type Problem = { code?: string; request_id?: string; errors?: { path: string }[] };

const shared = useTestApp();
let owner: Owner;
let other: Person;

beforeAll(async () => {
  const app = shared();
  owner = await makeOwner(app);
  other = await app.signIn({ firstName: "Boris" });
});

async function makeOwner(app: TestApp): Promise<Owner> {
  const person = await app.signIn({ firstName: OWNER_NAME, telegramId: 7_311_311_311 });
  const photos = await uploadPhotos(app, person);
  const made = await finish(app, person, await accepted(order(app, person, photos, { note: OWNER_NOTE })));
  expect(made).toMatchObject({ status: "succeeded", watermarked: true });
  app.kie.faults.set("kie.outcome", { mode: "never", times: 1 });
  const running = await accepted(order(app, person, photos, { note: OWNER_NOTE }));
  await app.work(async () => (await statusOf(app, person, running)) === "running");
  const queued = await accepted(order(app, person, photos, { note: OWNER_NOTE }));
  const entries = (await (await app.request("/balance/entries", { as: person })).json()) as { items: { id: string }[] };
  return {
    person,
    photos,
    finished: made.id,
    running,
    queued,
    entries: entries.items.map((entry) => entry.id),
    link: new URL(made.image_url ?? "").pathname,
  };
}

async function accepted(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

async function statusOf(app: TestApp, person: Person, id: string): Promise<string> {
  return ((await (await app.request(`/generations/${id}`, { as: person })).json()) as { status: string }).status;
}

type Ask = RequestOptions & { path: string };

/** A body that each route with a body takes, made of what is the owner's. */
function ownersBody(route: RouteAccess): Pick<RequestOptions, "json"> {
  const photos = { user_photo_id: owner.photos.user_photo.id, item_photo_id: owner.photos.item_photo.id };
  switch (`${route.method} ${route.path}`) {
    case "POST /api/v1/fitting/generate":
      return { json: { ...photos, zone: "top" } };
    case "POST /api/v1/editing/chat":
      return { json: { message: "make it brighter", photo_id: photos.user_photo_id } };
    case "POST /api/v1/editing/generate":
      return { json: { prompt: "make it brighter", generation_id: owner.finished } };
    case "POST /api/v1/editing/reset":
    case "POST /api/v1/auth/logout":
      return { json: {} };
    default:
      return {};
  }
}

/** The route as somebody would call it who knows all of the owner's ids. */
function asksFor(route: RouteAccess): Ask[] {
  const ids = [owner.finished, owner.running, owner.queued, owner.photos.user_photo.id, owner.person.id];
  const paths = route.path.includes("/:id") ? ids.map((id) => route.path.replace(":id", id)) : [route.path];
  const upload = route.path.endsWith("/upload") ? { body: new FormData() } : {};
  return paths.map((path) => ({ path, method: route.method, ...ownersBody(route), ...upload }));
}

const PERSON_ROUTES = routeAccess.filter((route) => route.access === "person");

async function ask(asked: Ask): Promise<{ status: number; text: string; problem: Problem }> {
  const response = await shared().request(asked.path, asked);
  const text = await response.text();
  await expectNothingOfOwner(text);
  return { status: response.status, text, problem: text.startsWith("{") ? (JSON.parse(text) as Problem) : {} };
}

/** Ids, names and words of the owner must stand in no answer to anybody else. */
async function expectNothingOfOwner(text: string): Promise<void> {
  const rows = await shared().ctx.db.select().from(files).where(eq(files.userId, owner.person.id));
  const traces = [
    owner.person.id,
    String(owner.person.telegramId),
    owner.person.token,
    OWNER_NAME,
    OWNER_NOTE,
    owner.finished,
    owner.running,
    owner.queued,
    ...owner.entries,
    ...rows.flatMap((row) => [row.id, row.storageKey]),
  ];
  for (const trace of traces) expect(text).not.toContain(trace);
}

/** What the owner sees of their own things, to be compared before and after. Links and progress change by themselves. */
async function ownersView(): Promise<unknown> {
  const { request } = shared();
  const as = owner.person;
  const list = (await (await request("/generations", { as })).json()) as { items: { id: string; status: string }[] };
  const entries = await (await request("/balance/entries", { as })).json();
  const states = list.items.map(({ id, status }) => ({ id, status }));
  return {
    states,
    entries,
    balance: await balance(shared(), as),
    profile: await (await request("/profile", { as })).json(),
  };
}

describe("X6 another person, who knows every id of the owner", () => {
  let before: unknown;
  beforeAll(async () => {
    before = await ownersView();
  });

  for (const [method, path] of [
    ["GET", "/generations/:id"],
    ["DELETE", "/generations/:id"],
    ["POST", "/generations/:id/cancel"],
    ["POST", "/generations/:id/retry"],
  ] as const) {
    test(`X6 hears of ${method} ${path} exactly what they would hear of an id that never was`, async () => {
      const answerTo = async (id: string) => {
        const { status, problem } = await ask({ path: path.replace(":id", id), method, as: other });
        return { status, problem: { ...problem, request_id: "" } };
      };
      const unknown = await answerTo(newId());
      expect(unknown).toMatchObject({ status: 404, problem: { code: "not_found" } });
      for (const id of [owner.finished, owner.running, owner.queued, owner.photos.user_photo.id, owner.person.id]) {
        expect(await answerTo(id)).toEqual(unknown);
      }
    });
  }

  test("X6 cannot order with the owner's photos, neither with both nor with one beside their own", async () => {
    const own = await uploadPhotos(shared(), other);
    const mixtures: Photos[] = [
      owner.photos,
      { ...own, user_photo: owner.photos.user_photo },
      { ...own, item_photo: owner.photos.item_photo },
    ];
    for (const photos of mixtures) {
      const response = await order(shared(), other, photos);
      const text = await response.text();
      await expectNothingOfOwner(text);
      expect([response.status, (JSON.parse(text) as Problem).code]).toEqual([404, "not_found"]);
    }
  });

  test("X6 finds every list empty, from the start and from the owner's place in it", async () => {
    for (const path of ["/generations", "/balance/entries"]) {
      for (const query of ["", `?cursor=${owner.finished}`, `?cursor=${owner.entries[0]}`, `?cursor=${newId()}`]) {
        const { status, text } = await ask({ path: path + query, as: other });
        expect([status, JSON.parse(text)]).toEqual([200, { items: [], next_cursor: null }]);
      }
    }
    const { text } = await ask({ path: "/live/events?since=0", as: other });
    expect((JSON.parse(text) as { events: unknown[] }).events).toEqual([]);
  });

  test("X6 sees nothing of the owner on any route", async () => {
    const surviving = PERSON_ROUTES.filter((route) => !route.path.endsWith("/logout"));
    for (const asked of surviving.flatMap(asksFor)) {
      const { status } = await ask({ ...asked, as: other });
      // Without an assistant's key its routes say 503.
      expect(status).not.toBe(500);
      if (/[0-9a-f]{8}-/.test(asked.path)) expect(status).toBe(404);
    }
  });

  test("gets an answer of their own under the owner's Idempotency-Key", async () => {
    const key = "one-key-of-two-people";
    const mine = (await (await order(shared(), owner.person, owner.photos, { key })).json()) as { id: string };
    const photos = await uploadPhotos(shared(), other);
    const response = await order(shared(), other, photos, { key });
    const text = await response.text();
    await expectNothingOfOwner(text);
    expect(text).not.toContain(mine.id);
    expect([response.status, response.headers.get("idempotency-replayed")]).toEqual([202, null]);
    const stolen = await order(shared(), other, owner.photos, { key: "another-key" });
    expect(stolen.status).toBe(404);
    for (const [person, id] of [
      [owner.person, mine.id],
      [other, (JSON.parse(text) as { id: string }).id],
    ] as const) {
      const cancelled = await shared().request(`/generations/${id}/cancel`, { method: "POST", as: person });
      expect(await cancelled.json()).toEqual({ status: "cancelled" });
      await shared().request(`/generations/${id}`, { method: "DELETE", as: person });
    }
  });

  test("has moved nothing of the owner's", async () => {
    const strip = (view: unknown) => ({ ...(view as Record<string, unknown>), entries: null });
    expect(strip(await ownersView())).toEqual(strip(before));
  });
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

describe("what nobody asked for", () => {
  test("an unknown query parameter is refused on every route for people", async () => {
    for (const route of PERSON_ROUTES) {
      for (const asked of asksFor(route).slice(0, 1)) {
        const { status, problem } = await ask({ ...asked, path: `${asked.path}?surplus=1`, as: other });
        expect([asked.path, status, problem.code]).toEqual([asked.path, 422, "validation_failed"]);
      }
    }
  });

  test("an unknown member of a body is refused and named", async () => {
    const bodies: [string, object][] = [
      ["/auth/telegram", { init_data: "x" }],
      ["/auth/refresh", { refresh_token: "x" }],
      ["/auth/logout", {}],
      ["/fitting/generate", { user_photo_id: newId(), item_photo_id: newId(), zone: "top" }],
    ];
    for (const [path, json] of bodies) {
      const { status, problem } = await ask({ path, method: "POST", json: { ...json, surplus: 1 }, as: other });
      expect([path, status, problem.errors?.map((error) => error.path)]).toEqual([path, 422, ["/body/surplus"]]);
    }
    expect((await shared().request("/profile", { as: other })).status).toBe(200);
  });

  const RUBBISH = [
    "%00",
    "%E0%A4%A",
    "..%2f..%2fetc%2fpasswd",
    "'%20or%201=1--",
    "-1",
    "x".repeat(4_000),
    "%F0%9F%92%A9",
  ];
  test("rubbish in paths, queries and bodies is refused, and never a fault of ours", async () => {
    const asks: Ask[] = RUBBISH.flatMap((text) => [
      { path: `/generations/${text}` },
      { path: `/generations/${text}/cancel`, method: "POST" },
      { path: `/generations?cursor=${text}` },
      { path: `/generations?limit=${text}` },
      { path: `/generations?status=${text}` },
      { path: `/balance/entries?cursor=${text}` },
      { path: `/live/events?since=${text}` },
      { path: `/files/${text}` },
      { path: `/kie/callback/${text}`, method: "POST", json: { data: { taskId: "x" } } },
      { path: `/${text}` },
    ]);
    const bodies = [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "{}",
      '{"__proto__":{"admin":true}}',
      `${"[".repeat(20_000)}`,
      "\u0000",
      "\xff",
    ];
    for (const body of bodies) {
      const headers = { "content-type": "application/json" };
      for (const path of ["/auth/telegram", "/auth/refresh", "/fitting/generate", "/kie/callback/x"]) {
        asks.push({ path, method: "POST", body, headers });
      }
    }
    for (const asked of asks) {
      const { status } = await ask({ ...asked, as: other });
      expect([asked.path.slice(0, 80), status >= 400 && status < 500]).toEqual([asked.path.slice(0, 80), true]);
    }
  });

  test("words that are hard to store are stored or refused", async () => {
    const photos = await uploadPhotos(shared(), other);
    for (const note of [
      "\u0000null",
      "\ud800 half a pair",
      "\u202egnp.exe",
      "\uffff",
      "👩🏽‍🚀",
      "'; drop table users; --",
    ]) {
      const response = await order(shared(), other, photos, { note });
      expect([202, 422, 429]).toContain(response.status);
      if (response.status !== 202) continue;
      const { id } = (await response.json()) as { id: string };
      await shared().request(`/generations/${id}/cancel`, { method: "POST", as: other });
    }
  });
});

describe("the socket", () => {
  async function open(ticket: string): Promise<{ code: number; frames: string[] }> {
    const frames: string[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live?ticket=${encodeURIComponent(ticket)}`);
    const closed = Promise.withResolvers<number>();
    socket.onmessage = (event) => {
      frames.push(String(event.data));
      socket.close(4000);
    };
    socket.onclose = (event) => closed.resolve(event.code);
    return { code: await closed.promise, frames };
  }
  async function ticketOf(as: Person): Promise<string> {
    const response = await shared().request("/live/ticket", { method: "POST", as });
    return ((await response.json()) as { ticket: string }).ticket;
  }
  let port = 0;
  beforeAll(async () => {
    port = await shared().listen();
  });

  test("opens for the other person with nothing of the owner's in it", async () => {
    const { frames } = await open(await ticketOf(other));
    expect(JSON.parse(frames[0] ?? "")).toMatchObject({ type: "hello", active: [] });
    await expectNothingOfOwner(frames.join());
  });

  test("stays shut for a ticket that is made up, used, an access token, too old, or of one who may not come in", async () => {
    const used = await ticketOf(owner.person);
    expect((await open(used)).frames.length).toBe(1);
    const gone = await shared().signIn();
    const ofGone = await ticketOf(gone);
    await shared().request("/auth/logout", { method: "POST", as: gone });
    const bad = await shared().signIn();
    const ofBad = await ticketOf(bad);
    await shared().ctx.db.update(users).set({ bannedAt: shared().clock.now() }).where(eq(users.id, bad.id));
    const old = await ticketOf(owner.person);
    for (const ticket of ["", "made-up", owner.person.token, used, ofGone, ofBad]) {
      const { code, frames } = await open(ticket);
      expect(frames).toEqual([]);
      // 1006: what cannot be a ticket is refused before there is a socket.
      expect(code).toBe(ticket.length > 128 ? 1006 : 4401);
    }
    shared().clock.advance(31 * SECOND_MS);
    expect(await open(old)).toEqual({ code: 4401, frames: [] });
  });
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
