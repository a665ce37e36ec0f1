import { Database } from "bun:sqlite";
import { join } from "node:path";
import { grantCredits, reserve } from "../src/features/billing/index.ts";
import { findOrCreateUser } from "../src/features/profile/index.ts";
import { newId } from "../src/platform/ids.ts";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { openProduct } from "./product.ts";
import { OURS, report } from "./result.ts";

/**
 * Q4: on SQLite with `synchronous=FULL`, a debit, its ledger entry and a job in one transaction. The peer is the barest loop over
 * bun:sqlite that does this with three prepared statements, which is synchronous and so always one after another. Ours is the
 * product's `reserve` and `enqueue`: 10 statements that write 23 pages instead of 3 that write 6, because a person's row is locked,
 * what expires is looked for, a hold with its parts is written and an event for the person's open app.
 *
 * Twice: by 32 callers at once, as requests come to a server, who share commits; and by one, who has to wait for each.
 */
const COUNT = 500;
const CALLERS = 32;
const ROUNDS = 5;
const CREDITS = 1_000_000;
const ALONE = `${OURS}, one caller`;

const product = await openProduct("", { FREE_ACTIONS_PER_MONTH: "0" });
const { ctx } = product;
const people: string[] = [];
while (people.length < CALLERS) {
  const { user } = await findOrCreateUser(ctx, { telegramId: people.length + 1, firstName: "Anna" });
  await grantCredits(ctx, { userId: user.id, kind: "gift", credits: CREDITS, source: `bench:${user.id}` });
  people.push(user.id);
}

async function debitOurs(callers: number): Promise<Record<string, number>> {
  const beganMs = performance.now();
  const debits = Math.ceil(COUNT / callers);
  const call = async (user: string) => {
    for (let made = 0; made < debits; made += 1) {
      await ctx.transaction(async (tx) => {
        await reserve(tx, user, "fitting", `bench:${newId()}`);
        await enqueue(tx, "noop", { user });
      });
    }
  };
  await Promise.all(people.slice(0, callers).map(call));
  return { transactions_per_second: (debits * callers * 1_000) / (performance.now() - beganMs) };
}

const bare = new Database(join(makeTemporaryFolder("atelier-bench-"), "bare.sqlite"), { create: true });
bare.run("pragma journal_mode = wal");
bare.run("pragma synchronous = full");
bare.run("create table people (id text primary key, balance integer not null check (balance >= 0))");
bare.run(
  "create table entries (id text primary key, person text not null, delta integer not null, at integer not null)",
);
bare.run("create table jobs (id text primary key, kind text not null, payload text not null, run_at integer not null)");
bare.run("create index jobs_ready on jobs (run_at, id)");
bare.run("insert into people values (?, ?)", ["anna", CREDITS]);
const debit = bare.query("update people set balance = balance - 2 where id = ? and balance >= 2");
const entry = bare.query("insert into entries values (?, ?, ?, ?)");
const job = bare.query("insert into jobs values (?, ?, ?, ?)");

async function debitBare(): Promise<Record<string, number>> {
  const beganMs = performance.now();
  for (let made = 0; made < COUNT; made += 1) {
    bare.run("begin immediate");
    debit.run("anna");
    entry.run(newId(), "anna", -2, Date.now());
    job.run(newId(), "noop", '{"user":"anna"}', Date.now());
    bare.run("commit");
  }
  return { transactions_per_second: (COUNT * 1_000) / (performance.now() - beganMs) };
}

const samples = await alternate(
  { [OURS]: () => debitOurs(CALLERS), [ALONE]: () => debitOurs(1), "bare bun:sqlite": debitBare },
  ROUNDS,
);
await report("ledger", samples, [
  { goal: "Q4", what: "transactions_per_second", against: "bare bun:sqlite", atLeast: 0.8 },
]);
await product.close();
