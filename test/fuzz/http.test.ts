import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { verifyLedger } from "../../src/features/billing/index.ts";
import { newId } from "../../src/platform/ids.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { ALL_MARKERS, type FullPerson, makeFullPerson } from "../support/full-person.ts";
import { checkAnswer, openApiDocument, referenceOf } from "../support/openapi.ts";
import { admin, type Operators, OWNER_SETTING, signInOperators } from "../support/operators.ts";
import { faultsSeed, seededRandom } from "../support/seeded-random.ts";
import { describedOperations, type MadeRequest, makeRequest, told } from "./requests.ts";
import { chanceOf } from "./values.ts";

/**
 * Requests made at random from the API's description, good and spoiled, by people of all kinds. Whatever comes: the answer is one
 * that the description promises, no fault of ours, and says nothing that the asker may not know; and the books add up.
 * `FUZZ_REQUESTS=100000` for the long form, `FAULTS_SEED` to repeat a run.
 */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1_500);
const DEADLINE_MS = 60_000 + REQUESTS * 40;
/** Most come from those who are let in; what refuses the others has its own tests. */
const SHARE_OF_THE_KNOWN = 0.6;
/** Jobs are run every so many requests, so that what was ordered goes on. */
const REQUESTS_BETWEEN_WORK = 300;
/** These end a session or a person; they are asked of somebody who came for that. */
const LAST_ASKS = new Set(["DELETE /api/v1/profile", "POST /api/v1/auth/logout", "POST /api/v1/auth/refresh"]);
/** Sockets are no requests with an answer, and a poll that waits in earnest would hold up all others. */
const APART = new Set(["GET /api/v1/live", "GET /api/v1/editing/chat", "GET /api/v1/live/events"]);
const ADDRESS_LENGTH_MAX = 8_192 - "http://localhost".length;
/** What only the inside knows: keys, statements, places in the code. */
const INSIDE = /\bat .+\.ts:\d+|SQLITE_|PostgresError|\bselect .+ from "|\binsert into\b|node_modules|TEST_bot_token/i;

interface Asker {
  name: string;
  person: Person | undefined;
  /** Whether they may read what others wrote. */
  isTrusted: boolean;
}

let app: TestApp;
let full: FullPerson;
let operators: Operators;
let other: Person;
let askers: Asker[];
const seed = faultsSeed("FUZZ_REQUESTS");
const chance = chanceOf(seededRandom(seed));

beforeAll(async () => {
  app = await startTestApp({
    keepOpen: true,
    settings: { ...OWNER_SETTING, TERMS_VERSION: "2026-11", RATE_LIMITS: "off" },
  });
  full = await makeFullPerson(app);
  operators = await signInOperators(app);
  other = await app.signIn();
  askers = await letIn();
}, DEADLINE_MS);
afterAll(() => app.close());

/** All kinds of people, signed in anew: time has passed, and one of them may have ended the session or blocked another. */
async function letIn(): Promise<Asker[]> {
  const owner = await app.signIn({ telegramId: operators.owner.telegramId });
  const again = async ({ id, telegramId }: Person) => {
    await admin(app, owner, `/people/${id}/unban`, { reason: "the fuzz goes on" });
    return app.signIn({ telegramId });
  };
  const stranger = await again(other);
  return [
    { name: "a stranger", person: undefined, isTrusted: false },
    { name: "a forger", person: { ...stranger, token: `${stranger.token.slice(0, -4)}AAAA` }, isTrusted: false },
    { name: "another person", person: stranger, isTrusted: false },
    { name: "the person", person: await again(full.person), isTrusted: true },
    { name: "a viewer", person: await again(operators.viewer), isTrusted: true },
    { name: "an owner", person: owner, isTrusted: true },
  ];
}

/** Ids of everything that there is. */
async function knownIds(): Promise<string[]> {
  const tables = ["users", "generations", "payments", "refunds", "tax_entries", "jobs", "chat_history", "files"];
  const rows = await Promise.all(
    tables.map((table) => app.open.database.raw(sql.raw(`select id from ${table} order by id desc limit 8`))),
  );
  return [...rows.flat().map((row) => String(row.id)), full.sessionId, newId()];
}

describe("requests made at random from the description", () => {
  test(
    `${REQUESTS} of them, FAULTS_SEED=${seed}`,
    async () => {
      const operations = describedOperations(openApiDocument(), referenceOf).filter(
        ({ method, path }) => !APART.has(`${method} ${path}`),
      );
      const faults: string[] = [];
      const statuses = new Map<number, number>();
      let ids = await knownIds();
      for (let count = 0; count < REQUESTS; count += 1) {
        const operation = chance.oneOf(operations);
        const request = makeRequest(operation, { chance, resolve: referenceOf, ids });
        const isLast = LAST_ASKS.has(`${operation.method} ${operation.path}`);
        const asker = isLast
          ? { name: "somebody passing through", person: await app.signIn(), isTrusted: false }
          : chance.oneOf(chance.isOnce(SHARE_OF_THE_KNOWN) ? askers.filter(({ isTrusted }) => isTrusted) : askers);
        // A message is answered when its turn is over, for which somebody has to work.
        const isTurn = operation.path === "/api/v1/editing/chat";
        const sent = send(request, asker);
        const response = await (isTurn ? workingUntil(sent) : sent);
        if (response instanceof Thrown) {
          faults.push(`${asker.name}: ${told(request)}\n  nothing answered: ${response.what}`);
          continue;
        }
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        const wrong = await faultOf(response, request, asker);
        if (wrong !== null) faults.push(`${asker.name}: ${told(request)}\n  ${wrong}`);
        if (count % REQUESTS_BETWEEN_WORK === REQUESTS_BETWEEN_WORK - 1) {
          await app.work();
          askers = await letIn();
          ids = await knownIds();
        }
      }
      await app.work();
      expect(faults.slice(0, 10)).toEqual([]);
      // A run in which nothing was let in would show nothing.
      expect(statuses.get(200) ?? 0).toBeGreaterThan(REQUESTS / 40);
      expect(statuses.get(422) ?? 0).toBeGreaterThan(REQUESTS / 40);
      expect((await verifyLedger(app.ctx)).differences).toEqual([]);
      expect(app.logLines.filter((line) => /"level":"error"/.test(line) && /bug/.test(line))).toEqual([]);
      for (const marker of ALL_MARKERS) expect(app.logLines.some((line) => line.includes(marker))).toBe(false);
      process.stderr.write(
        `${[...statuses]
          .sort()
          .map(([status, times]) => `${status}: ${times}`)
          .join(", ")}\n`,
      );
    },
    DEADLINE_MS,
  );
});

class Thrown {
  readonly what: string;

  constructor(error: unknown) {
    this.what = error instanceof Error ? `${error.stack}` : String(error);
  }
}

async function send(request: MadeRequest, asker: Asker): Promise<Response | Thrown> {
  const { operation, path, headers, body } = request;
  const sent = { method: operation.method, as: asker.person, headers, ...(body === null ? {} : { body }) };
  return app.request(path, sent).catch((error: unknown) => new Thrown(error));
}

async function workingUntil<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let isThere = false;
  const noted = answer.finally(() => {
    isThere = true;
  });
  while (!isThere) {
    await app.work();
    await Bun.sleep(1);
  }
  return noted;
}

/** What is wrong with an answer, or null. */
async function faultOf(response: Response, { operation, path }: MadeRequest, asker: Asker) {
  // Of any route, and described once for all.
  if (path.includes("%00") && path.length <= ADDRESS_LENGTH_MAX) return response.status === 404 ? null : "took a NUL";
  if (path.length > ADDRESS_LENGTH_MAX) return response.status === 414 ? null : `answered ${response.status}, not 414`;
  const problem = await checkAnswer(response, operation).then(
    () => null,
    (error: unknown) => String(error),
  );
  if (problem !== null) return problem;
  if (response.status >= 500 && response.status !== 503) return `answered ${response.status}`;
  const type = response.headers.get("content-type") ?? "";
  if (!/json|text|csv/.test(type)) {
    await response.body?.cancel();
    return null;
  }
  const text = await response.text();
  const inside = INSIDE.exec(text);
  if (inside !== null) return `tells of the inside: ${inside[0]}`;
  const told = asker.isTrusted ? undefined : ALL_MARKERS.find((marker) => text.includes(marker));
  return told === undefined ? null : `tells another person's words: ${told}`;
}
