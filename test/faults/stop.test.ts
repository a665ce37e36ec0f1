import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { generations } from "../../src/features/generations/index.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { lane } from "../support/database.ts";
import { violations } from "../support/invariants.ts";
import { type Deployment, deploy, type ProcessRole, type ServerProcess } from "../support/processes.ts";
import { photoForm, type RemotePerson, type RequestOptions, signInAt } from "../support/remote-person.ts";
import { faultsSeed, seededRandom, spreadMoments } from "../support/seeded-random.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

/** Three in the gate; `STOP_ROUNDS=20` is the full number. */
const ROUND_COUNT = Number(process.env.STOP_ROUNDS ?? 3);
/** With SQLite one process does everything; with Postgres each role is stopped in a process of its own. */
const ROLES: readonly ProcessRole[] = lane === "postgres" ? ["api", "worker", "scheduler"] : ["all"];
const PEOPLE_COUNT = 4;
/** What an operator's tools give a program before they kill it. */
const STOP_MS_MAX = 25_000;
const ASKER_PAUSE_MS = 15;

/** How one request of the load went. */
interface Exchange {
  path: string;
  startedAt: number;
  /** 200, another status with its answer, or "cut" when the connection was refused or broke off. */
  outcome: number | string;
}

/** Asks and uploads again and again until told to stop, as several phones do. */
async function startLoad(people: readonly RemotePerson[]): Promise<{ exchanges: Exchange[]; stop(): Promise<void> }> {
  const exchanges: Exchange[] = [];
  const form = await photoForm();
  let isOver = false;
  const ask = async (person: RemotePerson, path: string, options: RequestOptions = {}) => {
    while (!isOver) {
      const startedAt = performance.now();
      const outcome = await person.request(path, options).then(
        async (response) => {
          const text = await response.text();
          return response.status === 200 ? 200 : `${response.status} ${text}`;
        },
        () => "cut" as const,
      );
      exchanges.push({ path, startedAt, outcome });
      await Bun.sleep(ASKER_PAUSE_MS);
    }
  };
  const askers = people.flatMap((person) => [
    ask(person, "/balance"),
    ask(person, "/balance", { keepalive: true }),
    ask(person, "/generations", { keepalive: true }),
    ask(person, "/fitting/upload", { method: "POST", body: form }),
    // Waits for events: whoever is waiting when the server stops must get an answer, too.
    ask(person, "/live/events?wait=20"),
  ]);
  return {
    exchanges,
    async stop() {
      isOver = true;
      await Promise.all(askers);
    },
  };
}

/** Orders for everybody, stops the server under load at the given moment, and says what the clients saw. */
async function stopUnderLoad(
  servers: readonly ServerProcess[],
  people: readonly RemotePerson[],
  momentMs: number,
): Promise<{
  codes: (number | null)[];
  ms: number;
  failed: Exchange[];
  answered: number;
  socketCodes: (number | undefined)[];
}> {
  const socket = await people[0]?.listen();
  const chat = await openChat(people[1]);
  const load = await startLoad(people);
  await Promise.all(people.map((person) => person.ordered()));
  await Bun.sleep(momentMs);
  const signalledAt = performance.now();
  const ends = await Promise.all(servers.map((server) => server.end("SIGTERM")));
  await load.stop();
  await until(() => socket?.closeCode !== undefined && chat.closeCode !== undefined, "the sockets are closed");
  const { exchanges } = load;
  // Whoever comes after the signal may find the door closed, but is never given an error.
  const failed = exchanges.filter(
    ({ outcome, startedAt }) => outcome !== 200 && (outcome !== "cut" || startedAt < signalledAt),
  );
  const answered = exchanges.length - exchanges.filter(({ outcome }) => outcome === "cut").length;
  return {
    codes: ends.map(({ code }) => code),
    ms: Math.max(...ends.map(({ ms }) => ms)),
    failed,
    answered,
    socketCodes: [socket?.closeCode, chat.closeCode],
  };
}

/** The socket of a conversation in which nothing is said. */
async function openChat(person: RemotePerson | undefined): Promise<{ closeCode: number | undefined }> {
  if (!person) throw new Error("nobody is there to talk");
  const { ticket } = await person.answer<{ ticket: string }>(200, "/live/ticket", { method: "POST" });
  const socket = new WebSocket(`${person.url.replace("http", "ws")}/api/v1/editing/chat?ticket=${ticket}`);
  const chat: { closeCode: number | undefined } = { closeCode: undefined };
  socket.onclose = ({ code }) => {
    chat.closeCode = code;
  };
  await new Promise((opened) => {
    socket.onopen = opened;
  });
  return chat;
}

function startAll(deployment: Deployment): Promise<ServerProcess[]> {
  return Promise.all(ROLES.map((role) => deployment.start(role)));
}

async function everyGenerationHasEnded(deployment: Deployment): Promise<void> {
  await deployment.inside(async (ctx) => {
    const live = () =>
      ctx.db.select({ id: generations.id }).from(generations).where(sql`${generations.finishedAt} is null`);
    await until(async () => (await live()).length === 0, "every generation has ended", 40_000);
  });
}

test(
  `F3 ${ROUND_COUNT} stops by SIGTERM under load: exit code 0 in time, no request in flight fails, every picture is made`,
  async () => {
    const seed = faultsSeed("STOP_ROUNDS");
    const moments = spreadMoments(ROUND_COUNT, 2_000, seededRandom(seed));
    const deployment = await deploy({
      kie: { taskMs: 800 },
      settings: { FREE_ACTIONS_PER_MONTH: "1000", ACTIVE_GENERATIONS_MAX: "100" },
    });
    deployment.kie.faults.set("kie.upload", { mode: "delay", delayMs: 150 });
    deployment.kie.faults.set("kie.create", { mode: "delay", delayMs: 300 });
    deployment.kie.faults.set("kie.result", { mode: "delay", delayMs: 300 });
    let servers = await startAll(deployment);
    const people = await Promise.all(Array.from({ length: PEOPLE_COUNT }, () => signInAt(deployment.url)));
    await Promise.all(people.map((person) => person.photos()));

    const stops: string[] = [];
    for (const moment of moments) {
      const { codes, ms, failed, answered, socketCodes } = await stopUnderLoad(servers, people, moment);
      // With what the servers say of it, as such a round cannot be had again.
      const complaints = servers.flatMap((server) =>
        server.log().filter(({ message }) => message.includes("no answer")),
      );
      expect({ failed, complaints }).toEqual({ failed: [], complaints: [] });
      expect(answered).toBeGreaterThan(0);
      expect(codes).toEqual(codes.map(() => 0));
      expect(ms).toBeLessThan(STOP_MS_MAX);
      // 1001, going away: the client comes back, with `since` or with the same message.
      expect(socketCodes).toEqual([1001, 1001]);
      for (const server of servers) expect(server.log().filter(({ level }) => level === "error")).toEqual([]);
      const leased = await deployment.inside((ctx) => ctx.db.select().from(jobs).where(sql`${jobs.state} = 'leased'`));
      expect(leased).toEqual([]);
      stops.push(`${Math.round(ms)} ms (${answered} answers)`);
      servers = await startAll(deployment);
    }
    await everyGenerationHasEnded(deployment);
    process.stdout.write(`SIGTERM (FAULTS_SEED=${seed}): stopped after ${stops.join(", ")}\n`);
    await deployment.inside(async (ctx) => {
      const all = await ctx.db.select().from(generations);
      expect(all.map(({ status }) => status)).toEqual(Array(ROUND_COUNT * PEOPLE_COUNT).fill("succeeded"));
      expect(await violations(ctx, deployment.kie)).toEqual([]);
    });
    await deployment.close();
  },
  60_000 + ROUND_COUNT * 20_000,
);

test.each(["SIGTERM", "SIGINT"] as const)(
  "F3 a second signal (%s) ends a stop at once, and says by its exit code that it was forced; the job is done by the next",
  async (second) => {
    const deployment = await deploy();
    deployment.kie.faults.set("kie.create", { mode: "executed_hang", times: 1 });
    // As below: the callback comes when the next process is there.
    deployment.kie.faults.set("kie.pace", { mode: "pace", delayMs: 6_000 });
    const server = await deployment.start("all");
    const person = await signInAt(deployment.url);
    const generation = await person.ordered();
    await until(() => deployment.kie.stats().creates.accepted === 1, "the create hangs");
    const stopping = server.end("SIGTERM");
    await Bun.sleep(700);
    const begun = performance.now();
    process.kill(server.pid, second);
    const { code } = await stopping;
    expect(code).toBe(1);
    // The first signal alone would wait for the call that hangs.
    expect(performance.now() - begun).toBeLessThan(within(1_000, 8_000));
    expect(server.log().filter(({ level }) => level === "error")).toMatchObject([
      { message: "ended before everything was down", why: `${second} came a second time` },
    ]);
    await deployment.start("all");
    expect(await person.ended(generation.id)).toMatchObject({ status: "succeeded" });
    expect(await deployment.inside((ctx) => violations(ctx, deployment.kie))).toEqual([]);
    await deployment.close();
  },
  120_000,
);

test("F3 a stop while the provider hangs hands the job back and ends in time; the callback still finds the picture", async () => {
  const deployment = await deploy();
  deployment.kie.faults.set("kie.create", { mode: "executed_hang", times: 1 });
  // The callback comes when the next process is there: while nobody listens it would be lost, as nobody repeats it.
  deployment.kie.faults.set("kie.pace", { mode: "pace", delayMs: 22_000 });
  const server = await deployment.start("all");
  const person = await signInAt(deployment.url);
  const generation = await person.ordered();
  await until(() => deployment.kie.stats().creates.accepted === 1, "the create hangs");
  const { code, ms } = await server.end("SIGTERM");
  expect(code).toBe(0);
  expect(ms).toBeLessThan(STOP_MS_MAX);
  await deployment.start("all");
  expect(await person.look(generation.id)).toMatchObject({ status: "submitting" });
  expect(await person.ended(generation.id)).toMatchObject({ status: "succeeded" });
  expect(await deployment.inside((ctx) => violations(ctx, deployment.kie))).toEqual([]);
  await deployment.close();
}, 120_000);
