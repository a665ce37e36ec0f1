import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { users } from "../../../src/features/profile/index.ts";
import { databaseIsFile } from "../../../src/platform/db/open.ts";
import { door } from "../../../src/platform/http/door.ts";
import {
  createRequestsInHand,
  REQUESTS_IN_HAND_MAX,
  stepAside,
  TOO_MANY_IN_HAND,
} from "../../../src/platform/http/in-hand.ts";
import { problemResponse } from "../../../src/platform/http/problem.ts";
import { repeatedProblem } from "../../../src/platform/http/repeated-problem.ts";
import { startTestApp } from "../../support/app.ts";
import { until } from "../../support/until.ts";

const POOL_MAX = 2;

const asked = () => new Request("http://localhost/");

describe("requests in hand", () => {
  test("are so many at once, and each place is given again", () => {
    const inHand = createRequestsInHand(2);
    const [first, second, third] = [asked(), asked(), asked()];
    inHand.enter(first);
    inHand.enter(second);
    expect(() => inHand.enter(third)).toThrow("busy");
    inHand.leave(third);
    expect(inHand.count).toBe(2);
    inHand.leave(first);
    inHand.leave(first);
    inHand.enter(third);
    expect(inHand.count).toBe(2);
  });

  test("that only wait give their place away, once", () => {
    const inHand = createRequestsInHand(1);
    const [waiting, other] = [asked(), asked()];
    inHand.enter(waiting);
    stepAside(waiting);
    inHand.enter(other);
    stepAside(waiting);
    inHand.leave(waiting);
    expect(inHand.count).toBe(1);
    // One that nobody counted has nothing to give.
    stepAside(asked());
    expect(inHand.count).toBe(1);
  });
});

describe("a place that is kept until the next turn", () => {
  test("counts as taken meanwhile, and whoever it was kept for comes in", async () => {
    const inHand = createRequestsInHand(1);
    const turn = Promise.withResolvers<void>();
    const late = asked();
    const answer = inHand.keepPlace(turn.promise, async () => {
      inHand.enter(late);
      return "answered";
    });
    expect([inHand.isFull, inHand.count]).toEqual([true, 0]);
    turn.resolve();
    expect(await answer).toBe("answered");
    expect([inHand.isFull, inHand.count]).toEqual([true, 1]);
    inHand.leave(late);
    expect(inHand.isFull).toBe(false);
  });

  test("is given back whatever the work or the turn comes to", async () => {
    const inHand = createRequestsInHand(1);
    const failing = inHand.keepPlace(Promise.resolve(), () => {
      throw new Error("the work failed");
    });
    expect(failing).rejects.toThrow("the work failed");
    const never = inHand.keepPlace(Promise.reject(new Error("no turn")), () => "never");
    expect(never).rejects.toThrow("no turn");
    await Promise.allSettled([failing, never]);
    expect(inHand.isFull).toBe(false);
  });

  test("H8 of a crowd within one turn only those reach the router for whom there are places", async () => {
    const places = 4;
    const inHand = createRequestsInHand(places);
    let reached = 0;
    const app = new Elysia()
      .use(door({ headersOf: () => ({ vary: "Origin" }), inHand, uploadBytesMax: 1 }))
      .get("/work", async ({ request }) => {
        reached += 1;
        inHand.enter(request);
        await Bun.sleep(20);
        return "done";
      })
      .get("/health/live", () => "alive");
    const from = (path: string) => app.handle(new Request(`http://localhost${path}`));
    // The first of them is told to wait for the next turn, and so are all others of this one.
    await Bun.sleep(15);
    const crowd = await Promise.all([...Array.from({ length: 40 }, () => from("/work")), from("/health/live")]);
    expect(reached).toBe(places);
    expect(crowd.filter(({ status }) => status === 200)).toHaveLength(places + 1);
    expect(crowd.filter(({ status }) => status === 503)).toHaveLength(40 - places);
    expect(inHand.count).toBe(0);
    expect((await from("/work")).status).toBe(200);
  });
});

describe("the refusal of a crowd", () => {
  const tooMany = repeatedProblem(TOO_MANY_IN_HAND);
  const everywhere = Object.freeze({ vary: "Origin", "x-content-type-options": "nosniff" });

  test("is the same as any other refusal, in each language, and each has its own id", async () => {
    for (const language of ["ru-RU,ru", "en-GB", ""]) {
      const request = new Request("http://localhost/", {
        headers: language === "" ? {} : { "accept-language": language },
      });
      const [first, second] = [tooMany(request, everywhere), tooMany(request, everywhere)];
      const id = first.headers.get("x-request-id") ?? "";
      expect(id).not.toBe(second.headers.get("x-request-id"));
      const plain = problemResponse(TOO_MANY_IN_HAND, request, id, everywhere);
      expect([...first.headers]).toEqual([...plain.headers]);
      expect([first.status, await first.text()]).toEqual([plain.status, await plain.text()]);
      expect(await second.json()).toMatchObject({ request_id: second.headers.get("x-request-id") });
    }
  });

  test("keeps the client's id, if it is a sane one, and says nothing to one what was said to another", async () => {
    const named = new Request("http://localhost/", { headers: { "x-request-id": "client-1234" } });
    const hostile = new Request("http://localhost/", { headers: { "x-request-id": 'abcdefgh","x":"' } });
    const shown = { ...everywhere, "access-control-allow-origin": "https://app.example.org" };
    expect(await tooMany(named, shown).json()).toMatchObject({ request_id: "client-1234" });
    const answer = tooMany(hostile, everywhere);
    expect(answer.headers.has("access-control-allow-origin")).toBe(false);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(Object.keys(problem)).toEqual(["retry_after", "type", "title", "status", "detail", "code", "request_id"]);
    expect(String(problem.request_id)).toBe(answer.headers.get("x-request-id") ?? "");
  });
});

describe("H8 more than the database can answer", () => {
  test("H8 is refused at once, health goes on answering, and whoever is in is answered", async () => {
    const app = await startTestApp({ settings: { RATE_LIMITS: "off", DATABASE_POOL_MAX: String(POOL_MAX) } });
    const person = await app.signIn();
    const surplus = 40;
    const refusedMs: number[] = [];
    const gate = Promise.withResolvers<void>();
    let holding = 0;
    // Every connection that writes: one handle on SQLite, a pool of two on Postgres.
    const held = Array.from({ length: databaseIsFile ? 1 : POOL_MAX }, () =>
      app.open.database.transaction(async (queries) => {
        await queries.select().from(users).limit(1);
        holding += 1;
        await gate.promise;
      }),
    );
    await until(() => holding === held.length, "every connection is taken");
    const answers = Array.from({ length: REQUESTS_IN_HAND_MAX + surplus }, async () => {
      const startedAt = performance.now();
      const answer = await app.request("/live/ticket", { method: "POST", as: person });
      if (answer.status === 503) refusedMs.push(performance.now() - startedAt);
      return answer;
    });
    await until(() => refusedMs.length >= surplus, "those beyond the number are refused");
    await Bun.sleep(100);
    expect(refusedMs).toHaveLength(surplus);
    // As long as they are in, so is nobody else; but for those who ask whether the process lives.
    if (databaseIsFile) expect((await app.request("/profile", { as: person })).status).toBe(503);
    expect((await app.request("/health/live")).status).toBe(200);
    gate.resolve();
    await Promise.all(held);
    const all = await Promise.all(answers);
    const statuses = all.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(REQUESTS_IN_HAND_MAX);
    const refused = all.find(({ status }) => status === 503);
    expect(await refused?.json()).toMatchObject({ code: "busy", retry_after: 1 });
    expect(refused?.headers.get("retry-after")).toBe("1");
    // And then there is room again.
    expect((await app.request("/profile", { as: person })).status).toBe(200);
  });

  test("H8 those who wait for news take no places from others", async () => {
    const app = await startTestApp({ settings: { RATE_LIMITS: "off" } });
    const people = await Promise.all(Array.from({ length: 30 }, () => app.signIn()));
    const polls: Promise<Response>[] = [];
    // Until it begins to wait a request is in hand like any other, so they come one person after another.
    for (const as of people) {
      for (let each = 0; each < 10; each += 1) polls.push(app.request("/live/events?since=0&wait=3", { as }));
      await Bun.sleep(40);
    }
    expect(polls.length).toBeGreaterThan(REQUESTS_IN_HAND_MAX);
    await Bun.sleep(300);
    const [someone] = people;
    expect((await app.request("/balance", { as: someone })).status).toBe(200);
    for (const poll of await Promise.all(polls)) expect(poll.status).toBe(200);
  }, 60_000);

  test("H8 one person's long polls are ten; the eleventh ends the oldest, which is answered", async () => {
    const app = await startTestApp();
    const as = await app.signIn();
    // From here on the token is remembered: polls that wait for its signature could overtake each other on a busy machine.
    expect((await app.request("/balance", { as })).status).toBe(200);
    const ended: number[] = [];
    const polls = Array.from({ length: 11 }, async (_, index) => {
      await Bun.sleep(index * 40);
      const answer = await app.request("/live/events?since=0&wait=4", { as });
      ended.push(index);
      return answer;
    });
    await until(() => ended.length > 0, "one is ended");
    expect(ended).toEqual([0]);
    for (const answer of await Promise.all(polls)) expect(answer.status).toBe(200);
  });
});
