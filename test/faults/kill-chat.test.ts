import { afterAll, expect, test } from "bun:test";
import { verifyLedger } from "../../src/features/billing/index.ts";
import type { TurnAnswer } from "../../src/features/editing/answer.ts";
import { chatHistory, chatTurns } from "../../src/features/editing/index.ts";
import { startOpenRouterEmulator } from "../../src/sandbox/openrouter.ts";
import { lane } from "../support/database.ts";
import { deploy, type ProcessRole } from "../support/processes.ts";
import { type RemotePerson, signInAt } from "../support/remote-person.ts";
import { faultsSeed, seededRandom, spreadMoments } from "../support/seeded-random.ts";

const ROUND_COUNT = 6;
/** About as long as a streamed answer of the emulator takes here. */
const TURN_MS = 900;
/** On Postgres the worker alone is killed; on SQLite one process does everything. */
const VICTIM: ProcessRole = lane === "postgres" ? "worker" : "all";

/** Asks with one key until there is an answer: a cut connection, or a 409 while the turn runs, is asked again. */
async function askUntilAnswered(person: RemotePerson, key: string, message: string): Promise<TurnAnswer> {
  for (let tries = 0; tries < 400; tries += 1) {
    const response = await person
      .request("/editing/chat", { method: "POST", json: { message }, headers: { "idempotency-key": key } })
      .catch(() => null);
    if (response?.status === 200) return (await response.json()) as TurnAnswer;
    if (response && response.status !== 409 && response.status < 500) {
      throw new Error(`the assistant answered ${response.status}: ${await response.text()}`);
    }
    await Bun.sleep(50);
  }
  throw new Error("the turn was never answered");
}

test(`C2 C5 ${ROUND_COUNT} kills in the middle of a turn: the answer comes once, is charged once, stands in the conversation`, async () => {
  const openRouter = await startOpenRouterEmulator({ deltaMs: 12, answerMs: TURN_MS });
  afterAll(() => openRouter.stop());
  const deployment = await deploy({
    settings: {
      OPENROUTER_API_KEY: openRouter.apiKey,
      OPENROUTER_API_URL: openRouter.apiUrl,
      FREE_ACTIONS_PER_MONTH: "100",
    },
  });
  if (lane === "postgres") await deployment.start("api");
  let victim = await deployment.start(VICTIM);
  const person = await signInAt(deployment.url);
  const moments = spreadMoments(ROUND_COUNT, TURN_MS, seededRandom(faultsSeed()));
  const answers: TurnAnswer[] = [];
  for (const [round, moment] of moments.entries()) {
    const answer = askUntilAnswered(person, `round-${round}`, `make it red, round ${round}`);
    await Bun.sleep(moment);
    await victim.end("SIGKILL");
    victim = await deployment.start(VICTIM);
    answers.push(await answer);
  }
  expect(new Set(answers.map(({ message }) => message.id)).size).toBe(ROUND_COUNT);
  await deployment.inside(async (ctx) => {
    const turns = await ctx.db.select().from(chatTurns);
    expect(turns.map(({ state }) => state)).toEqual(Array<string>(ROUND_COUNT).fill("succeeded") as never);
    const messages = (await ctx.db.select().from(chatHistory)).flatMap((row) => row.messages);
    expect(messages.filter(({ role }) => role === "assistant")).toHaveLength(ROUND_COUNT);
    expect((await verifyLedger(ctx)).differences).toEqual([]);
  });
  expect((await person.balance()).free_actions.used).toBe(ROUND_COUNT);
  // A killed process asks again: at most twice as many calls as turns, and the people pay for one each.
  expect(openRouter.stats().requests.length).toBeLessThanOrEqual(2 * ROUND_COUNT);
}, 120_000);
