import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { grantCredits, verifyLedger } from "../../src/features/billing/index.ts";
import type { TurnAnswer } from "../../src/features/editing/answer.ts";
import { chatHistory, chatTurns } from "../../src/features/editing/index.ts";
import { startWorkerRole } from "../../src/roles/worker.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { realClock } from "../support/clock.ts";
import { balance } from "../support/fitting.ts";
import { until as untilTrue } from "../support/until.ts";

type Frame = Record<string, unknown> & { type: string };

/** The product with the real clock and a real worker, on a real port. */
async function startLive(): Promise<{ app: TestApp; person: Person; port: number; stop(): Promise<void> }> {
  const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" }, clock: realClock });
  const port = await app.listen();
  const worker = await startWorkerRole(app.ctx);
  const person = await app.signIn({ languageCode: "ru" });
  await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 40, source: "test" });
  return { app, person, port, stop: () => worker.stop() };
}

/** As a client does it: under one key, and once more where the server is too busy to take it. */
async function say(app: TestApp, person: Person, json: Record<string, unknown>): Promise<TurnAnswer> {
  const headers = { "idempotency-key": crypto.randomUUID() };
  let response = await app.request("/editing/chat", { method: "POST", as: person, json, headers });
  for (let again = 0; again < 10 && response.status === 503; again += 1) {
    const { code } = (await response.clone().json()) as { code?: string };
    if (code !== "busy") break;
    await Bun.sleep(500);
    response = await app.request("/editing/chat", { method: "POST", as: person, json, headers });
  }
  if (response.status !== 200) throw new Error(`the assistant answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as TurnAnswer;
}

/** Opens the chat socket and keeps its frames. */
async function openChat(app: TestApp, person: Person, port: number) {
  const response = await app.request("/live/ticket", { method: "POST", as: person });
  const { ticket } = (await response.json()) as { ticket: string };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/editing/chat?ticket=${ticket}`);
  const frames: Array<Frame & { at: number }> = [];
  socket.onmessage = ({ data }) => frames.push({ ...(JSON.parse(String(data)) as Frame), at: performance.now() });
  const until = async (type: string) => {
    const find = () => frames.find((frame) => frame.type === type);
    await untilTrue(() => find() !== undefined, `a frame "${type}"`).catch((error: Error) => {
      throw new Error(`${error.message}; there were: ${frames.map((frame) => frame.type).join(", ")}`);
    });
    return find() as Frame & { at: number };
  };
  await until("hello");
  return { socket, frames, until, send: (frame: object) => socket.send(JSON.stringify(frame)) };
}

describe("a conversation with a real worker", () => {
  test("20 messages of one conversation at once: each answered, in their order, one call at a time", async () => {
    const { app, person, stop } = await startLive();
    const { session_id } = await say(app, person, { message: "make it red" });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => say(app, person, { message: `wish number ${n}`, session_id })),
    );
    expect(new Set(answers.map(({ message }) => message.id)).size).toBe(20);
    const turns = await app.ctx.db
      .select()
      .from(chatTurns)
      .where(eq(chatTurns.sessionId, session_id))
      .orderBy(chatTurns.id);
    expect(turns.map(({ state }) => state)).toEqual(Array<string>(21).fill("succeeded") as never);
    const ends = turns.map(({ finishedAt }) => finishedAt?.getTime() ?? 0);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    const [row] = await app.ctx.db.select().from(chatHistory).where(eq(chatHistory.sessionId, session_id));
    const messages = row?.messages ?? [];
    expect(messages).toHaveLength(42);
    for (let at = 0; at < messages.length; at += 2) {
      expect([messages[at]?.role, messages[at + 1]?.role]).toEqual(["user", "assistant"]);
      expect(messages[at + 1]?.turn_id).toBe(messages[at]?.turn_id as string);
    }
    expect(Object.values(app.openRouter.stats().atOnce.byUser)).toEqual([1]);
    expect(await balance(app, person)).toMatchObject({ credits: 19, reserved: 0 });
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
    await stop();
  }, 60_000);

  test("over the socket the first words come before the provider has finished", async () => {
    const { app, person, port, stop } = await startLive();
    app.openRouter.faults.set("openrouter.pace", { mode: "pace", delayMs: 20 });
    const chat = await openChat(app, person, port);
    chat.send({ type: "message", id: "m1", content: "Сделай теплее" });
    const delta = await chat.until("delta");
    expect(app.openRouter.stats().requests[0]).toMatchObject({ outcome: "open", streamed: true });
    const done = await chat.until("done");
    expect(delta.at).toBeLessThan(done.at - 50);
    const text = chat.frames
      .filter((frame) => frame.type === "delta")
      .map((frame) => frame.text)
      .join("");
    const variants = await chat.until("variants");
    expect(text.replaceAll(/\s+/g, " ").trim()).toBe(String(variants.content));
    expect(chat.frames.map((frame) => frame.type).filter((type) => type !== "delta" && type !== "restart")).toEqual([
      "hello",
      "accepted",
      "variants",
      "done",
    ]);
    expect(done).toMatchObject({ id: "m1", credits_spent: 1 });
    chat.socket.close();
    await stop();
  });

  test("a socket cut in mid-turn and opened again: the same answer, charged once", async () => {
    const { app, person, port, stop } = await startLive();
    app.openRouter.faults.set("openrouter.pace", { mode: "pace", delayMs: 20 });
    const first = await openChat(app, person, port);
    const message = { type: "message", id: "tap-1", content: "Сделай теплее" };
    first.send(message);
    const accepted = await first.until("accepted");
    await first.until("delta");
    first.socket.close();
    const second = await openChat(app, person, port);
    second.send(message);
    expect(await second.until("accepted")).toMatchObject({
      turn_id: accepted.turn_id,
      session_id: accepted.session_id,
    });
    const variants = await second.until("variants");
    await second.until("done");
    second.send(message);
    const variantsOf = () => second.frames.filter((frame) => frame.type === "variants");
    await untilTrue(() => variantsOf().length > 1, "the answer once more");
    await Bun.sleep(100);
    const again = variantsOf();
    expect(again).toHaveLength(2);
    expect(again[1]).toMatchObject({ message_id: variants.message_id });
    expect(app.openRouter.stats().requests).toHaveLength(1);
    expect(await balance(app, person)).toMatchObject({ credits: 39, reserved: 0 });
    second.socket.close();
    await stop();
  });

  test("what is not a frame of ours is answered with an error, and the socket goes on", async () => {
    const { app, person, port, stop } = await startLive();
    const chat = await openChat(app, person, port);
    const withNul = JSON.stringify({ type: "message", id: "x", content: "a\0b" });
    const withHalf = JSON.stringify({ type: "message", id: "x", content: "\ud800" });
    const surplus = JSON.stringify({ type: "message", id: "x", content: "y", extra: 1 });
    for (const frame of ["no json", "{}", surplus, withNul, withHalf]) {
      chat.socket.send(frame);
    }
    const errors = () => chat.frames.filter((frame) => frame.type === "error");
    await untilTrue(() => errors().length >= 5, "an error for each");
    await Bun.sleep(50);
    expect(errors().map((frame) => frame.code)).toEqual([
      "validation_failed",
      "validation_failed",
      "validation_failed",
      "malformed_body",
      "malformed_body",
    ]);
    chat.send({ type: "message", id: "ok", content: "make it red" });
    expect(await chat.until("done")).toMatchObject({ id: "ok" });
    chat.send({ type: "message", id: "no", content: "порно" });
    await untilTrue(() => errors().length > 5, "the refusal");
    expect(chat.frames.at(-1)).toMatchObject({ type: "error", id: "no", code: "prompt_refused" });
    chat.socket.close();
    await stop();
  });
});
