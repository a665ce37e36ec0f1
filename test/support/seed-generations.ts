import { type BulkSession, ROWS_AT_A_TIME, type StoredValue } from "../../src/platform/db/bulk.ts";
import { openBulk } from "../../src/platform/db/open-bulk.ts";
import { type TableShape, tableShapes } from "../../src/platform/db/table-shapes.ts";
import { newId } from "../../src/platform/ids.ts";
import { moscowMonth } from "../../src/platform/moscow.ts";
import * as tables from "../../src/tables.ts";
import type { TestDatabase } from "./database.ts";
import { seededRandom } from "./seeded-random.ts";

/** What a picture costs here. */
const PRICE = 10n;
const PEOPLE_PER_GENERATION = 1 / 20;
const FIRST_TELEGRAM_ID = 7_000_000_000n;
const MONTH_MS = 30 * 86_400_000;

type Row = Record<string, StoredValue>;

/**
 * Fills a migrated, empty database with generations and all that belongs to them, in bulk and yet as the product would
 * have written it: each person got credits by a pack, each picture held, and spent or gave back, its price or a free action.
 * `ledger verify` finds nothing. Returns the number of rows.
 */
export async function seedGenerations(
  database: TestDatabase,
  generations: number,
  { seed = 1, shapes = tableShapes(tables) }: { seed?: number; shapes?: readonly TableShape[] } = {},
): Promise<number> {
  const session = await openBulk({ ...database, poolMax: 1, prepare: true, statementTimeoutMs: 0 }, "write");
  try {
    const random = seededRandom(seed);
    const people = Math.max(1, Math.round(generations * PEOPLE_PER_GENERATION));
    const writer = bulkWriter(session, shapes);
    for (let person = 0; person < people; person += 1) {
      const first = Math.floor((generations * person) / people);
      const last = Math.floor((generations * (person + 1)) / people);
      await seedPerson(writer, { number: person, generations: last - first, random });
    }
    const rows = await writer.flush();
    await session.commit();
    return rows;
  } finally {
    await session.close();
  }
}

/** Collects rows by table and writes them many at a time, those that others refer to first. */
function bulkWriter(session: BulkSession, shapes: readonly TableShape[]) {
  const waiting = new Map<string, Row[]>();
  let held = 0;
  let total = 0;
  const flush = async () => {
    for (const shape of shapes) {
      const rows = waiting.get(shape.name) ?? [];
      for (let from = 0; from < rows.length; from += ROWS_AT_A_TIME) {
        const some = rows.slice(from, from + ROWS_AT_A_TIME);
        await session.insert(
          shape,
          some.map((row) => shape.columns.map(({ name }) => row[name] ?? null)),
        );
      }
    }
    total += held;
    held = 0;
    waiting.clear();
    return total;
  };
  return {
    flush,
    async add(table: string, row: Row) {
      const rows = waiting.get(table);
      if (rows === undefined) waiting.set(table, [row]);
      else rows.push(row);
      held += 1;
    },
    async rest() {
      if (held >= 10 * ROWS_AT_A_TIME) await flush();
    },
  };
}

interface PersonOrder {
  number: number;
  generations: number;
  random: () => number;
}

async function seedPerson(writer: ReturnType<typeof bulkWriter>, { number, generations, random }: PersonOrder) {
  const userId = newId();
  const begins = Date.UTC(2026, 9, 1) + Math.floor(random() * MONTH_MS);
  const at = (ms: number) => BigInt(begins + ms);
  const month = moscowMonth(new Date(begins));
  const credits = PRICE * BigInt(generations + 3);
  const grantId = newId();
  let left = credits;
  let free = 0n;
  const holds: (() => Promise<void>)[] = [];
  for (let place = 0; place < generations; place += 1) {
    // The first two of a month cost nothing; every seventh fails.
    const isFree = place < 2;
    const fails = !isFree && random() < 1 / 7;
    if (isFree) free += 1n;
    else if (!fails) left -= PRICE;
    holds.push(() => seedGeneration(writer, { userId, grantId, at: at(place * 60_000 + 1_000), isFree, fails, month }));
  }
  await writer.add("users", {
    id: userId,
    telegram_id: FIRST_TELEGRAM_ID + BigInt(number),
    first_name: `Person ${number} – Ёлка 🌲`,
    username: number % 3 === 0 ? null : `person_${number}`,
    language: number % 2 === 0 ? "ru" : "en",
    write_state: "enabled",
    notify_results: true,
    notify_news: number % 5 !== 0,
    balance_credits: left,
    reserved_credits: 0n,
    freemium_month: month,
    freemium_actions_used: free,
    assistant_tokens: 0n,
    created_at: at(0),
    updated_at: at(1),
  });
  await writer.add("credit_grants", {
    id: grantId,
    user_id: userId,
    kind: "pack",
    source: `seed:${userId}`,
    credits,
    credits_left: left,
    created_at: at(0),
  });
  const entry = { user_id: userId, kind: "grant", cause: `grant:seed:${userId}`, action: "pack" };
  const amounts = { balance_delta: credits, reserved_delta: 0n, counter_account: "granted", counter_delta: -credits };
  await writer.add("credit_entries", {
    id: newId(),
    ...entry,
    ...amounts,
    free_action_delta: 0n,
    grant_id: grantId,
    created_at: at(0),
  });
  for (const hold of holds) await hold();
  await writer.rest();
}

interface GenerationOrder {
  userId: string;
  grantId: string;
  at: bigint;
  isFree: boolean;
  fails: boolean;
  month: string;
}

async function seedGeneration(writer: ReturnType<typeof bulkWriter>, order: GenerationOrder): Promise<void> {
  const { userId, grantId, at, isFree, fails, month } = order;
  const [id, holdId] = [newId(), newId()];
  const credits = isFree ? 0n : PRICE;
  const ended = at + 25_000n;
  await writer.add("credit_holds", {
    id: holdId,
    user_id: userId,
    operation: `generation:${id}`,
    action: "fitting",
    state: fails ? "released" : "settled",
    credits,
    free_month: isFree ? month : null,
    free_returned: false,
    created_at: at,
    ended_at: ended,
  });
  if (!isFree) await writer.add("credit_hold_parts", { hold_id: holdId, grant_id: grantId, credits });
  const common = { user_id: userId, action: "fitting", hold_id: holdId };
  await writer.add("credit_entries", {
    ...common,
    ...{ id: newId(), kind: "hold", cause: `hold:${holdId}`, created_at: at },
    ...{ balance_delta: -credits, reserved_delta: credits, counter_account: "none", counter_delta: 0n },
    free_action_delta: isFree ? -1n : 0n,
  });
  await writer.add("credit_entries", {
    ...common,
    ...{ id: newId(), kind: fails ? "release" : "settle", cause: `hold:${holdId}:end`, created_at: ended },
    ...{ balance_delta: fails ? credits : 0n, reserved_delta: -credits, counter_account: fails ? "none" : "spent" },
    counter_delta: fails ? 0n : credits,
    free_action_delta: 0n,
  });
  await writer.add("generations", {
    id,
    user_id: userId,
    type: "fitting",
    status: fails ? "failed" : "succeeded",
    zone: "body",
    note: "с рукавами до локтя",
    prompt:
      "Put the garment of the second picture on the person of the first one. Keep face, pose and light as they are.",
    watermarked: isFree,
    provider_inputs:
      '{"urls":["https://files.example.org/a.jpg","https://files.example.org/b.jpg"],"validUntilMs":1793000000000}',
    hold_id: holdId,
    credits_spent: fails ? 0n : credits,
    free_action: isFree,
    progress: fails ? 40n : 100n,
    attempt: 1n,
    error_code: fails ? "provider_failed" : null,
    deadline_at: at + 600_000n,
    started_at: at + 100n,
    finished_at: ended,
    created_at: at,
    updated_at: ended,
  });
  await writer.add("generation_attempts", {
    ...{ id: newId(), generation_id: id, number: 1n, state: fails ? "failed" : "succeeded" },
    ...{ provider_task_id: `task-${id}`, failure: fails ? "500 server" : null, polls: 3n, cost_millicredits: 4_000n },
    ...{ submitted_at: at + 100n, accepted_at: at + 200n, ended_at: ended },
  });
}
