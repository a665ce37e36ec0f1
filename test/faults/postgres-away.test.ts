import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gt, sql } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import { generations, isFinal } from "../../src/features/generations/index.ts";
import { lane, type TestDatabase } from "../support/database.ts";
import { violations } from "../support/invariants.ts";
import { creditProof } from "../support/money-proof.ts";
import { type OwnPostgres, startOwnPostgres } from "../support/own-postgres.ts";
import { type Deployment, deploy, freePort } from "../support/processes.ts";
import { type RemotePerson, signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

/** Short in the gate; `AWAY_SECONDS=20 AWAY_WAYS=all` is the full length. */
const DOWN_MS = Number(process.env.AWAY_SECONDS ?? 5) * 1_000;
const PEOPLE = 4;
const BEFORE_MS = 1_500;
/** The longest that a request may take, whatever the database does: its wait and its statements. */
const REQUEST_MS_MAX = within(10_000, 25_000);
const HEALTH_MS_MAX = within(2_500, 7_500);
const FIRST_GOOD_MS_MAX = within(2_000, 8_000);
const PACE_MS_MAX = within(10_000, 25_000);
/** The load goes on so long after the return. */
const AFTER_MS = 3_300;
const PAUSE_MS = 150;
/** Between two orders of one person; the provider takes two new ones a second. */
const ORDER_PAUSE_MS = 1_800;

type Way = "stopped" | "crashed" | "frozen" | "unreachable";
const WAYS: readonly Way[] =
  process.env.AWAY_WAYS === "all" ? ["stopped", "crashed", "frozen", "unreachable"] : ["crashed", "frozen"];

interface Look {
  path: string;
  status: number;
  /** What a refusal says: its code and when to come back. */
  refusal?: string;
  startedAt: number;
  ms: number;
}

/** Takes the database away for `DOWN_MS`; resolves once it is back. */
async function takeAway(own: OwnPostgres, way: Way): Promise<void> {
  if (way === "stopped") return own.server.restart({ mode: "fast", downMs: DOWN_MS });
  if (way === "crashed") return own.server.restart({ mode: "immediate", downMs: DOWN_MS });
  if (way === "unreachable") {
    own.wire.blackhole();
    await Bun.sleep(DOWN_MS);
    return own.wire.heal();
  }
  const thaw = await own.freeze();
  await Bun.sleep(DOWN_MS);
  thaw();
}

async function refusalOf(response: Response): Promise<{ refusal?: string }> {
  const answer = (await response.json()) as { code?: string };
  return answer.code === undefined ? {} : { refusal: `${answer.code} ${response.headers.get("retry-after")}` };
}

/** Asks for a page again and again; 0 stands for a connection that broke. */
async function watch(url: string, path: string, looks: Look[], isOver: () => boolean, token?: string): Promise<void> {
  while (!isOver()) {
    const startedAt = performance.now();
    const answer = await fetch(`${url}${path}`, {
      keepalive: false,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    }).then(
      async (response) => ({ status: response.status, ...(await refusalOf(response)) }),
      () => ({ status: 0 }),
    );
    looks.push({ path, ...answer, startedAt, ms: performance.now() - startedAt });
    await Bun.sleep(PAUSE_MS);
  }
}

/** Orders again and again, each order under its key until it is accepted; returns how each try went. */
async function orderAll(person: RemotePerson, accepted: Map<string, string>, tries: Look[], isOver: () => boolean) {
  const { user_photo, item_photo } = await person.photos();
  const json = { user_photo_id: user_photo.id, item_photo_id: item_photo.id, zone: "top" };
  for (let number = 0; !isOver(); number += 1) {
    const key = `${person.id}-${number}-${performance.now()}`;
    // What was begun is seen through, so that every key is known to have been taken.
    for (let isAccepted = false; !isAccepted; ) {
      const startedAt = performance.now();
      const response = await person
        .request("/fitting/generate", { method: "POST", json, headers: { "idempotency-key": key } })
        .catch(() => null);
      tries.push({
        path: "/fitting/generate",
        status: response?.status ?? 0,
        startedAt,
        ms: performance.now() - startedAt,
      });
      const answer = (await response?.json()) as { id: string } | undefined;
      isAccepted = response?.status === 202 && answer !== undefined;
      if (isAccepted && answer) accepted.set(key, answer.id);
      else await Bun.sleep(PAUSE_MS);
    }
    await Bun.sleep(ORDER_PAUSE_MS);
  }
}

describe.skipIf(lane === "sqlite")("the database goes away under load (Postgres only: SQLite is a file)", () => {
  let own: OwnPostgres;
  let database: TestDatabase;
  let deployment: Deployment;
  const urls: string[] = [];
  beforeAll(async () => {
    own = await startOwnPostgres();
    database = await own.database();
    deployment = await deploy({
      database,
      kie: { taskMs: 300 },
      settings: { ACTIVE_GENERATIONS_MAX: "100", GENERATION_DEADLINE_SECONDS: "120" },
      keepOpen: true,
    });
    const other = String(await freePort());
    await deployment.start("api");
    await deployment.start("api", { PORT: other });
    urls.push(deployment.url, `http://127.0.0.1:${other}`);
    await Promise.all([deployment.start("worker"), deployment.start("worker"), deployment.start("scheduler")]);
  }, 120_000);
  afterAll(async () => {
    await deployment?.close();
    await own?.close();
  });

  test.each([...WAYS])(
    `F5 J1 %s for ${DOWN_MS / 1_000} s: nothing is lost or doubled, nobody hangs, the queue is back to pace, health tells`,
    async (way) => {
      const people = await Promise.all(
        Array.from({ length: PEOPLE }, (_, place) => signInAt(urls[place % 2] as string)),
      );
      await deployment.inside(async (ctx) => {
        for (const { id } of people) await grantCredits(ctx, { userId: id, kind: "gift", credits: 5_000, source: id });
      });
      await Promise.all(people.map((person) => person.photos()));
      const [looks, tries] = [[] as Look[], [] as Look[]];
      const accepted = new Map<string, string>();
      let isOver = false;
      const over = () => isOver;
      const load = [
        ...people.map((person) => orderAll(person, accepted, tries, over)),
        ...people.map((person, place) =>
          watch(urls[place % 2] as string, "/api/v1/balance", looks, over, person.token),
        ),
        ...urls.flatMap((url) => ["/health/live", "/health/ready"].map((path) => watch(url, path, looks, over))),
      ];
      await Bun.sleep(BEFORE_MS);
      const awayAt = performance.now();
      await takeAway(own, way);
      const [backAt, backDate] = [performance.now(), new Date()];
      await Bun.sleep(AFTER_MS);
      isOver = true;
      await Promise.all(load);

      const of = (path: string) => looks.filter((look) => look.path === path);
      const longest = (some: readonly Look[]) => Math.max(...some.map(({ ms }) => ms));
      const all = [...looks, ...tries];
      const firstGood = Math.min(
        ...all
          .filter(
            ({ path, status, startedAt, ms }) =>
              !path.startsWith("/health") && status < 300 && status > 0 && startedAt + ms > backAt,
          )
          .map(({ startedAt, ms }) => startedAt + ms - backAt),
      );
      // Nobody is told of a bug, and no connection breaks: a database that is away is a 503.
      expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200, 202, 503]));
      const refusals = new Set(looks.flatMap(({ refusal }) => refusal ?? []));
      expect(["database_unavailable 2", "busy 2"]).toEqual(expect.arrayContaining([...refusals]));
      expect(refusals.size).toBeGreaterThan(0);
      expect(longest(all)).toBeLessThan(REQUEST_MS_MAX);
      expect(firstGood).toBeLessThan(FIRST_GOOD_MS_MAX);
      expect(new Set(of("/health/live").map(({ status }) => status))).toEqual(new Set([200]));
      expect(longest([...of("/health/live"), ...of("/health/ready")])).toBeLessThan(HEALTH_MS_MAX);
      const red = of("/health/ready").filter(({ status }) => status === 503);
      const firstRed = Math.min(...red.map(({ startedAt, ms }) => startedAt + ms - awayAt));
      const lastRed = Math.max(...red.map(({ startedAt }) => startedAt - backAt));
      expect(firstRed).toBeLessThan(HEALTH_MS_MAX + PAUSE_MS);
      expect(lastRed).toBeLessThan(FIRST_GOOD_MS_MAX);

      await deployment.inside(async (ctx, open) => {
        const isDone = async () => (await ctx.db.select().from(generations)).every(({ status }) => isFinal(status));
        const firstEnd = async () => {
          const [row] = await ctx.db
            .select({ at: sql`min(${generations.finishedAt})`.mapWith(generations.finishedAt) })
            .from(generations)
            .where(gt(generations.finishedAt, backDate));
          return row?.at ?? null;
        };
        await until(isDone, "every generation has ended", 60_000);
        const paceMs = ((await firstEnd())?.getTime() ?? Number.POSITIVE_INFINITY) - backDate.getTime();
        expect(paceMs).toBeLessThan(PACE_MS_MAX);
        // Each order that was accepted is one picture, however often it was asked for.
        const ids = (await ctx.db.select({ id: generations.id, userId: generations.userId }).from(generations)).filter(
          ({ userId }) => people.some(({ id }) => id === userId),
        );
        expect(ids.map(({ id }) => id).sort()).toEqual([...accepted.values()].sort());
        expect(await violations(ctx, deployment.kie)).toEqual([]);
        expect(await creditProof(open)).toEqual([]);
        const failed = all.filter(({ status }) => status === 503).length;
        process.stdout.write(
          `${way} for ${DOWN_MS} ms: ${accepted.size} orders, ${failed} of ${all.length} answers were 503, the longest took ${Math.round(longest(all))} ms; ` +
            `red after ${Math.round(firstRed)} ms, last red ${Math.round(lastRed)} ms and first good answer ${Math.round(firstGood)} ms after the return, first picture ${paceMs} ms after it\n`,
        );
      });
    },
    DOWN_MS + 120_000,
  );
});
