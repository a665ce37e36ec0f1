import { beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../src/features/profile/index.ts";
import { SECOND_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import type { Person } from "../support/app.ts";
import { order, type Photos, uploadPhotos } from "../support/fitting.ts";
import { type Owner, PERSON_ROUTES, type Problem, useOwner } from "../support/owner.ts";

const front = useOwner();
const { shared, ask, asksFor, expectNothingOfOwner, ownersView } = front;
let owner: Owner;
let other: Person;
beforeAll(() => {
  owner = front.owner();
  other = front.other();
});

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

test("none of this was a fault of ours", () => {
  expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
