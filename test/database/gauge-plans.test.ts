import { beforeAll, describe, expect, test } from "bun:test";
import { refunds } from "../../src/features/billing/index.ts";
import { storedGauges } from "../../src/gauges.ts";
import { newId } from "../../src/platform/ids.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { useTestApp } from "../support/app.ts";
import { bought, notify, remoteId } from "../support/buying.ts";
import { lane } from "../support/database.ts";
import { said, uploadEditPhoto } from "../support/editing.ts";
import { finish, ordered } from "../support/fitting.ts";
import { plansOf } from "../support/plan.ts";

/** Ended rows of each table: the history of a small shop, and plainly more than fits on a page. */
const HISTORY_ROWS = 3_000;

const app = useTestApp();

/** Repeats a table's rows; `changes` are the columns that must differ, as expressions of the number `n`. */
async function multiply(table: string, changes: Record<string, string>): Promise<void> {
  const { raw } = app().open.database;
  const found = await raw(
    `select column_name as name from information_schema.columns where table_schema = 'public' and table_name = '${table}'`,
  );
  const names = found.map((row) => String(row.name));
  const values = names.map((name) => changes[name] ?? `one."${name}"`);
  await raw(`insert into "${table}" (${names.map((name) => `"${name}"`).join(", ")}) select ${values.join(", ")}
    from (select * from "${table}" limit 1) one cross join generate_series(1, ${HISTORY_ROWS}) n`);
}

const uuidOf = (prefix: string) => `('${prefix}0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid`;

beforeAll(async () => {
  // What SQLite plans does not depend on what is in the tables.
  if (lane === "sqlite") return;
  const person = await app().signIn();
  const payment = await bought(app(), person);
  await notify(app(), app().yooKassa.pay(await remoteId(app(), payment.id)));
  await finish(app(), person, (await ordered(app(), person)).id);
  const photo = await uploadEditPhoto(app(), person);
  await said(app(), person, { message: "warmer light", photo_id: photo.id });
  const now = app().clock.now();
  await app().ctx.db.insert(refunds).values({
    id: newId(),
    paymentId: payment.id,
    amountKopecks: 100,
    status: "succeeded",
    origin: "owner",
    reason: "test",
    idempotencyKey: newId(),
    creditsRevoked: 0,
    createdAt: now,
    updatedAt: now,
  });
  await multiply("credit_holds", { id: uuidOf("aaaa"), operation: "'generation:' || n" });
  await multiply("generations", { id: uuidOf("bbbb"), hold_id: uuidOf("aaaa") });
  await multiply("chat_turns", { id: uuidOf("cccc") });
  await multiply("payments", { id: uuidOf("dddd"), yookassa_id: "'paid-' || n", idempotency_key: "'key-' || n" });
  await multiply("refunds", { id: uuidOf("eeee"), idempotency_key: "'key-' || n" });
  await multiply("outbox_messages", { id: uuidOf("ffff"), cause: "'cause-' || n" });
  await app().ctx.transaction((tx) => enqueue(tx, "ledger.verify", {}));
  await app().open.database.raw("analyze");
}, 60_000);

const TABLES = "generations|chat_turns|payments|refunds|outbox_messages|credit_holds|provider_states";
/** A step that reads a table from end to end, whatever has ended in it. */
const WHOLE_TABLE = lane === "postgres" ? new RegExp(`Seq Scan on (${TABLES})\\b`) : /^SCAN (?!open|live|waiting).*$/;

describe("a scrape", () => {
  test("finds every number through an index of what is open, however much has ended", async () => {
    const gauges = storedGauges(app().ctx);
    expect(gauges.length).toBeGreaterThan(6);
    const names: string[] = [];
    for (const gauge of gauges) {
      const plan = await plansOf(app().database, async (db) => {
        const own = storedGauges({ ...app().ctx, db }).find(({ name }) => name === gauge.name);
        await own?.read();
      });
      const whole = plan.filter((line) => WHOLE_TABLE.test(line) && !/USING (COVERING )?INDEX/.test(line));
      // One row a provider: reading them all is the index.
      expect(
        whole.filter((line) => !line.includes("provider_states")),
        gauge.name,
      ).toEqual([]);
      names.push(...plan);
    }
    for (const index of ["generations_live", "payments_open", "refunds_open", "outbox_messages_waiting", "jobs_"]) {
      if (index === "jobs_" && lane === "postgres") continue;
      expect(
        names.some((line) => line.includes(index)),
        index,
      ).toBeTrue();
    }
  });

  test("sees the plan of a count that does read everything", async () => {
    const { payments } = await import("../../src/features/billing/index.ts");
    const plan = await plansOf(app().database, async (db) => db.select({ status: payments.status }).from(payments));
    expect(plan.some((line) => WHOLE_TABLE.test(line))).toBeTrue();
  });
});
