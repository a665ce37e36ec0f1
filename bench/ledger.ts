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
 * Q4: on SQLite with `synchronous=FULL`, a debit, its ledger entry and a job in one transaction, one after another. The peer is
 * the barest loop over bun:sqlite that does this with three prepared statements. Ours is the product's `reserve` and `enqueue`,
 * which do more: a person's row is locked, due credits expire, a hold with its parts is written.
 */
const COUNT = 500;
const ROUNDS = 5;
const CREDITS = 1_000_000;

const product = await openProduct("", { FREE_ACTIONS_PER_MONTH: "0" });
const { ctx } = product;
const { user } = await findOrCreateUser(ctx, { telegramId: 1, firstName: "Anna" });
await grantCredits(ctx, { userId: user.id, kind: "gift", credits: CREDITS, source: "bench" });

async function debitOurs(): Promise<Record<string, number>> {
  const beganMs = performance.now();
  for (let made = 0; made < COUNT; made += 1) {
    await ctx.transaction(async (tx) => {
      await reserve(tx, user.id, "fitting", `bench:${newId()}`);
      await enqueue(tx, "noop", { user: user.id });
    });
  }
  return { transactions_per_second: (COUNT * 1_000) / (performance.now() - beganMs) };
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

const samples = await alternate({ [OURS]: debitOurs, "bare bun:sqlite": debitBare }, ROUNDS);
await report("ledger", samples, [
  { goal: "Q4", what: "transactions_per_second", against: "bare bun:sqlite", atLeast: 0.8 },
]);
await product.close();
