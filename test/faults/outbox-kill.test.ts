import { afterAll, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { outboxCounts } from "../../src/features/notifications/index.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { jobs, workers } from "../../src/platform/queue/tables.ts";
import { startTelegramEmulator } from "../../src/sandbox/telegram.ts";
import { TEST_BOT_TOKEN } from "../support/app.ts";
import { lane } from "../support/database.ts";
import { makeAddressees, writeToAll } from "../support/outbox-load.ts";
import { type Deployment, deploy, type ServerProcess } from "../support/processes.ts";
import { faultsSeed, seededRandom } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

/** Real time: 25 a second. `OUTBOX_LOAD=10000` runs the whole must-show by hand. */
const MESSAGES = Number(process.env.OUTBOX_LOAD ?? 300);
const PER_SECOND = 25;
const KILL_COUNT = 2;
/** Telegram's own time to answer, so that a kill falls into the middle of something. */
const ANSWER_MS = 120;
const LIMIT_MS = (MESSAGES / PER_SECOND) * 2_000 + 90_000;
const ROLE = lane === "postgres" ? "worker" : "all";

const telegram = await startTelegramEmulator({ botToken: TEST_BOT_TOKEN });
afterAll(() => telegram.stop());

/** Kills the process that sends, while it has messages in hand; returns it. */
async function killSender(deployment: Deployment, running: readonly ServerProcess[]): Promise<ServerProcess> {
  return deployment.inside(async (ctx) => {
    let victim: ServerProcess | undefined;
    await until(
      async () => {
        const [row] = await ctx.db
          .select({ pid: workers.processId })
          .from(outboxMessages)
          .innerJoin(jobs, eq(jobs.id, outboxMessages.senderJob))
          .innerJoin(workers, eq(workers.id, jobs.workerId))
          .where(sql`${outboxMessages.state} = 'sending'`)
          .limit(1);
        victim = running.find((server) => server.pid === row?.pid);
        return victim !== undefined;
      },
      "messages are in hand",
      20_000,
    );
    await victim?.end("SIGKILL");
    return victim as ServerProcess;
  });
}

test(
  `T4 T5 ${MESSAGES} messages in real time${lane === "postgres" ? ", two workers" : ""}, ${KILL_COUNT} kills of the one that sends: none twice, and none lost without being named`,
  async () => {
    const random = seededRandom(faultsSeed("OUTBOX_LOAD"));
    telegram.setNewcomers("started");
    telegram.faults.set("telegram.limits", { mode: "on" });
    telegram.faults.set("telegram.edge", { mode: "delay", delayMs: ANSWER_MS });
    const deployment = await deploy({ settings: { TELEGRAM_API_URL: telegram.url } });
    // Each writes with its own database handle, so the servers come afterwards: on SQLite one process holds the folder.
    const people = await deployment.inside(async (ctx) => {
      const made = await makeAddressees(ctx, MESSAGES, 70_000_000);
      await writeToAll(ctx, made);
      return made;
    });
    const startedAt = performance.now();
    let running = [await deployment.start(ROLE)];
    if (lane === "postgres") running.push(await deployment.start(ROLE));

    for (let kill = 1; kill <= KILL_COUNT; kill += 1) {
      const share = Math.floor((MESSAGES * kill) / (KILL_COUNT + 1));
      await until(() => telegram.messages().length >= share, `${share} messages have arrived`, LIMIT_MS);
      await Bun.sleep(random() * 1_000);
      const victim = await killSender(deployment, running);
      running = [...running.filter((server) => server !== victim), await deployment.start(ROLE)];
    }
    const rest = () =>
      deployment.inside(async (ctx) => {
        const { waiting, sending } = await outboxCounts(ctx);
        return waiting + sending;
      });
    for (const end = performance.now() + LIMIT_MS; (await rest()) > 0 && performance.now() < end; )
      await Bun.sleep(300);
    const seconds = (performance.now() - startedAt) / 1_000;

    const arrivals = new Map<number, number>();
    for (const { chatId } of telegram.messages()) arrivals.set(chatId, (arrivals.get(chatId) ?? 0) + 1);
    const rows = await deployment.inside((ctx) => ctx.db.select().from(outboxMessages));
    const states: Record<string, number> = {};
    for (const row of rows) {
      states[row.state] = (states[row.state] ?? 0) + 1;
      const came = arrivals.get(row.chatId) ?? 0;
      // Sent means once; in doubt means once or never; nothing else is left.
      expect([row.state, came]).toEqual([row.state, row.state === "unknown" ? Math.min(came, 1) : 1]);
      expect(["sent", "unknown"]).toContain(row.state);
    }
    expect(rows).toHaveLength(people.length);
    // Each kill fell into a batch, of which nobody else can know what became.
    expect(states.unknown ?? 0).toBeGreaterThan(0);
    expect(states.unknown ?? 0).toBeLessThanOrEqual(KILL_COUNT * PER_SECOND);
    const { pace } = telegram.stats();
    // Our second begins when messages are claimed and theirs when they arrive, so on a busy machine two of ours may fall into
    // one of theirs. What is refused then waits, as the rows above show.
    expect(pace.refusedForBot).toBeLessThanOrEqual(PER_SECOND);
    expect(pace.refusedForChat).toBe(0);
    const parked = await deployment.inside((ctx) => ctx.db.select().from(jobs).where(sql`${jobs.state} = 'parked'`));
    expect(parked).toEqual([]);
    process.stdout.write(
      `outbox kill (${lane}): ${MESSAGES} messages in ${seconds.toFixed(1)} s with ${KILL_COUNT} kills, ${JSON.stringify(states)}, ` +
        `${arrivals.size} arrived, at most ${pace.asksPerSecondMax} in a second\n`,
    );
    await deployment.close();
  },
  LIMIT_MS + 60_000,
);
