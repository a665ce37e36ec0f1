import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { DAY_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { Refusal } from "../../../src/platform/errors.ts";
import {
  forgetOldKeys,
  IDEMPOTENCY_KEY_PATTERN,
  type IdempotentRequest,
  once,
} from "../../../src/platform/http/idempotency.ts";
import { idempotencyKeys } from "../../../src/platform/http/tables.ts";
import { newId } from "../../../src/platform/ids.ts";
import { schedules } from "../../../src/platform/queue/tables.ts";
import { lane } from "../../support/database.ts";
import { type MachineryContext, useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
const userId = newId();
const RUNNING_MS_MAX = 15 * SECOND_MS;

const request = (more: Partial<IdempotentRequest> = {}): IdempotentRequest => ({
  userId,
  key: "key-1",
  route: "POST /fitting/generate",
  body: { user_photo_id: "a", zone: "top" },
  ...more,
});

/** The work's effect: a row that everybody can count. */
async function effect(tx: MachineryContext): Promise<{ answer: { id: string }; status: number }> {
  const id = newId();
  await tx.db.insert(schedules).values({ name: id, lastSlot: tx.clock.now(), runs: 1 });
  return { answer: { id }, status: 202 };
}
const effects = () => machinery().ctx.db.$count(schedules);
const keys = () => machinery().ctx.db.select().from(idempotencyKeys);
const run = (more?: Partial<IdempotentRequest>, ctx = machinery().ctx) => once(ctx, request(more), effect);

async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof Refusal)) throw new Error(`it was not refused but gave ${String(error)}`);
  return error.code;
}

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("P12 the same key and request", () => {
  test("get the first answer and status again, and the work is done once", async () => {
    const first = await run();
    expect(first).toMatchObject({ status: 202, replayed: false });
    for (let again = 0; again < 3; again += 1) {
      expect(await run()).toEqual({ answer: first.answer, status: 202, replayed: true });
    }
    expect(await effects()).toBe(1);
  });

  test("are the same whatever the order of the body's members", async () => {
    const first = await run({ body: { a: 1, b: { c: [1, 2], d: null } } });
    expect(await run({ body: { b: { d: null, c: [1, 2] }, a: 1 } })).toMatchObject({
      answer: first.answer,
      replayed: true,
    });
    expect(await run({ body: { b: { d: null, c: [1, 2] }, a: 1, e: undefined } })).toMatchObject({ replayed: true });
  });

  test("20 at once from two processes: one does the work, the others are told that it runs or get its answer", async () => {
    const { another, ctx } = machinery();
    const other = (await another()).ctx;
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => run({}, at % 2 === 0 ? ctx : other)),
    );
    const answers = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
    const refusals = results.filter((result) => result.status === "rejected").map((result) => result.reason as Refusal);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.answer.id)).size).toBe(1);
    expect(refusals.every((refusal) => refusal.code === "request_in_progress")).toBe(true);
    expect(await effects()).toBe(1);
  });
});

describe("another request under the same key is refused", () => {
  const others: [string, Partial<IdempotentRequest>][] = [
    ["another value", { body: { user_photo_id: "b", zone: "top" } }],
    ["a member more", { body: { user_photo_id: "a", zone: "top", note: "" } }],
    ["a number for a text", { body: { user_photo_id: "a", zone: 1 } }],
    ["no body", { body: undefined }],
    ["another route", { route: "POST /editing/generate" }],
  ];
  test.each(others)("%s", async (_, more) => {
    const first = await run();
    expect(await refusalOf(run(more))).toBe("idempotency_key_reused");
    expect(await effects()).toBe(1);
    expect(await run()).toEqual({ ...first, replayed: true });
  });

  test("also while the first one runs", async () => {
    const { opened, open } = gate();
    const first = once(machinery().ctx, request(), async (tx) => {
      await opened;
      return effect(tx);
    });
    while ((await keys()).length === 0) await Bun.sleep(5);
    // SQLite has one writer, so there the second request waits for the first and sees its end.
    const second = refusalOf(run({ body: {} }));
    open();
    expect(await second).toBe("idempotency_key_reused");
    await first;
  });
});

test("keys belong to a person: another's same key is another request", async () => {
  const mine = await run();
  const theirs = await run({ userId: newId() });
  expect(theirs.replayed).toBe(false);
  expect(theirs.answer.id).not.toBe(mine.answer.id);
  expect(await effects()).toBe(2);
});

test("without a key the work is simply done, each time", async () => {
  expect(await run({ key: undefined })).toMatchObject({ status: 202, replayed: false });
  await run({ key: undefined });
  expect(await effects()).toBe(2);
  expect(await keys()).toEqual([]);
});

describe("a run that has not ended", () => {
  /** The process died after it had taken the key and before its transaction: the row says "running" and nobody runs. */
  async function diedHolding(): Promise<void> {
    const { ctx } = machinery();
    await run();
    await ctx.db.delete(schedules);
    await ctx.db.update(idempotencyKeys).set({ state: "running", status: null, answer: null });
  }

  test("refuses the same request, which may come again in a second", async () => {
    await diedHolding();
    machinery().clock.advance(RUNNING_MS_MAX - 1);
    const refused = await run().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "request_in_progress", details: { retry_after: 1 } });
    expect(await effects()).toBe(0);
  });

  test("is taken for dead after 15 seconds: the work is done then, once, and its answer kept", async () => {
    await diedHolding();
    machinery().clock.advance(RUNNING_MS_MAX);
    const second = await run();
    expect(second).toMatchObject({ status: 202, replayed: false });
    expect(await run()).toEqual({ ...second, replayed: true });
    expect(await effects()).toBe(1);
  });

  test("is taken over by one of those who come at once", async () => {
    await diedHolding();
    machinery().clock.advance(RUNNING_MS_MAX);
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, at) => run({}, at % 2 === 0 ? ctx : other)),
    );
    const firsts = results.filter((result) => result.status === "fulfilled" && !result.value.replayed);
    expect(firsts).toHaveLength(1);
    expect(await effects()).toBe(1);
  });

  test("and wakes up after it was taken over cannot commit: what it wrote is undone", async () => {
    const { ctx, clock, another } = machinery();
    const { opened, open } = gate();
    // It has taken the key when it stalls, before its transaction can begin.
    const stalled = once({ ...ctx, transaction: stall(ctx, opened) } as MachineryContext, request(), effect);
    while ((await keys()).length === 0) await Bun.sleep(5);
    clock.advance(RUNNING_MS_MAX);
    const successor = await run({}, (await another()).ctx);
    expect(successor.replayed).toBe(false);
    open();
    expect(await refusalOf(stalled)).toBe("request_in_progress");
    expect(await effects()).toBe(1);
    expect(await run()).toEqual({ ...successor, replayed: true });
  });

  /** The context's own transaction, held up before it begins, as a suspended process is. */
  function stall(ctx: MachineryContext, opened: Promise<void>): MachineryContext["transaction"] {
    return async (work) => {
      await opened;
      return ctx.transaction(work);
    };
  }
});

// The crash of a server that may lose a key is Postgres's; a file syncs each commit.
test.skipIf(lane === "sqlite")("a key is not waited for until it is synced, and what the run does is", async () => {
  const { database, open } = machinery();
  const name = `"${new URL(database.url).pathname.slice(1)}"`;
  await open.raw(`alter database ${name} set synchronous_commit = on`);
  // As it stands at the commit, by triggers that are put off until then.
  await open.raw(`
    create table commits (what text, synced text);
    create function note_commit() returns trigger language plpgsql as $$ begin
      insert into commits values (tg_op || ' ' || tg_table_name, current_setting('synchronous_commit')); return null; end $$;
    create constraint trigger note_commit after insert or update or delete on idempotency_keys
      deferrable initially deferred for each row execute function note_commit();
    create constraint trigger note_commit after insert on schedules
      deferrable initially deferred for each row execute function note_commit()`);
  try {
    const other = (await machinery().another()).ctx;
    await run({}, other);
    const refused = once(other, request({ key: "refused" }), async () => {
      throw new Refusal("insufficient_credits", { required: 2 });
    });
    await refusalOf(refused);
    expect(await open.raw("select what, synced from commits")).toEqual([
      { what: "INSERT idempotency_keys", synced: "off" },
      { what: "INSERT schedules", synced: "on" },
      { what: "UPDATE idempotency_keys", synced: "on" },
      { what: "INSERT idempotency_keys", synced: "off" },
      { what: "DELETE idempotency_keys", synced: "on" },
    ]);
  } finally {
    await open.raw("drop table commits; drop function note_commit cascade");
    await open.raw(`alter database ${name} reset synchronous_commit`);
  }
});

describe("a run that fails", () => {
  test("by a refusal stores nothing: after topping up, the same tap may simply come again", async () => {
    const { ctx } = machinery();
    const poor = once(ctx, request(), async (tx) => {
      await effect(tx);
      throw new Refusal("insufficient_credits", { required: 2 });
    });
    expect(await refusalOf(poor)).toBe("insufficient_credits");
    expect(await keys()).toEqual([]);
    expect(await effects()).toBe(0);
    expect(await run()).toMatchObject({ status: 202, replayed: false });
    expect(await effects()).toBe(1);
  });

  test("by a bug stores nothing either, and the bug is what the caller hears", async () => {
    const { ctx } = machinery();
    const error = new TypeError("a bug");
    const broken = once(ctx, request(), async () => {
      throw error;
    });
    expect(await broken.catch((caught: unknown) => caught)).toBe(error);
    expect(await keys()).toEqual([]);
  });

  test("of a request under a used key takes nothing away from the first", async () => {
    const first = await run();
    await refusalOf(run({ body: "other" }));
    expect(await run()).toEqual({ ...first, replayed: true });
  });
});

describe("a key", () => {
  test("is free again after a day, for any request, and not a moment earlier", async () => {
    const { clock } = machinery();
    const first = await run();
    clock.advance(DAY_MS - 1);
    expect(await run()).toEqual({ ...first, replayed: true });
    clock.advance(1);
    const other = await run({ body: { another: "request" } });
    expect(other).toMatchObject({ replayed: false });
    expect(other.answer.id).not.toBe(first.answer.id);
    expect(await run({ body: { another: "request" } })).toMatchObject({ replayed: true });
    expect(await effects()).toBe(2);
  });

  test("is forgotten by the cleanup once its day is over", async () => {
    const { ctx, clock } = machinery();
    await run({ key: "old" });
    clock.advance(DAY_MS);
    await run({ key: "new" });
    expect(await forgetOldKeys(ctx)).toBe(0);
    clock.advance(1);
    expect(await forgetOldKeys(ctx)).toBe(1);
    expect((await keys()).map((row) => row.key)).toEqual(["new"]);
  });

  test("is 1 to 128 visible characters", () => {
    const pattern = new RegExp(IDEMPOTENCY_KEY_PATTERN);
    for (const key of ["a", "x".repeat(128), '~!@#$%^&*()_+{}|:"<>?', newId()]) expect(pattern.test(key)).toBe(true);
    for (const key of ["", " ", "a b", "x".repeat(129), "ключ", "a\n", "a\0"]) expect(pattern.test(key)).toBe(false);
  });

  test("holds an answer of any shape", async () => {
    const { ctx } = machinery();
    const answers: unknown[] = [{ "текст 👍": [1, null, { a: "'\"" }] }, [], "123", null];
    for (const [at, answer] of answers.entries()) {
      const asked = request({ key: `shape-${at}` });
      const work = async () => ({ answer, status: 200 });
      expect(await once(ctx, asked, work)).toEqual({ answer, status: 200, replayed: false });
      expect(await once(ctx, asked, work)).toEqual({ answer, status: 200, replayed: true });
    }
    expect(await ctx.db.$count(idempotencyKeys, eq(idempotencyKeys.userId, userId))).toBe(answers.length);
  });
});
