import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type ChatFrame,
  type Client,
  createClient,
  type LiveFrame,
  liveAddress,
  problemOf,
  readLiveFrame,
  sayToAssistant,
  type TokenStore,
  type Tokens,
} from "../src/client.ts";
import { grantCredits } from "../src/features/billing/index.ts";
import { signInitData } from "../src/sandbox/init-data.ts";
import { startTestApp, TEST_BOT_TOKEN } from "./support/app.ts";
import { picture } from "./support/pictures.ts";
import { until } from "./support/until.ts";

// Long enough that a generation is asked about while it is still being made, and so tells its progress.
const app = await startTestApp({ taskMs: 80 });
const baseUrl = `http://127.0.0.1:${await app.listen()}`;
let people = 7_000_000;

/** What a client was given, and what it asked for. */
interface SignedIn {
  client: Client;
  store: TokenStore & { tokens: Tokens | null };
  calls: string[];
  id: string;
}

async function signedIn(): Promise<SignedIn> {
  people += 1;
  const calls: string[] = [];
  const store = memoryStore();
  const fetcher = (address: string, init?: RequestInit) => {
    calls.push(`${init?.method} ${new URL(address).pathname.replace("/api/v1", "")}`);
    return fetch(address, init);
  };
  const client = createClient(baseUrl, { tokens: store, fetcher });
  const init_data = signInitData({
    botToken: TEST_BOT_TOKEN,
    user: { id: people, first_name: "Anna", language_code: "en" },
    authDate: app.clock.now(),
  });
  const { data, error } = await client.auth.telegram.post({ init_data });
  if (error) throw new Error(`sign-in: ${JSON.stringify(error.value)}`);
  store.write(data);
  calls.length = 0;
  return { client, store, calls, id: data.user.id };
}

function memoryStore(): SignedIn["store"] {
  return {
    tokens: null,
    read() {
      return this.tokens;
    },
    write(tokens) {
      this.tokens = tokens;
    },
  };
}

const photo = async (colour: [number, number, number]) =>
  new File([await picture({ colour })], "photo.jpg", { type: "image/jpeg" });

async function photos(client: Client) {
  const { data } = await client.fitting.upload.post({
    user_photo: await photo([180, 160, 140]),
    item_photo: await photo([30, 60, 200]),
  });
  if (!data?.user_photo || !data.item_photo) throw new Error("both photos were sent");
  return { user_photo_id: data.user_photo.id, item_photo_id: data.item_photo.id };
}

describe("the typed client", () => {
  test("reads lists with the types of the routes", async () => {
    const { client } = await signedIn();
    const { data, error } = await client.fitting.zones.get();
    expect(error).toBeNull();
    const kinds: Array<"clothing" | "accessory"> = (data ?? []).map((zone) => zone.kind);
    expect(new Set(kinds)).toEqual(new Set(["clothing", "accessory"]));
    const profile = await client.profile.get();
    const since: string | undefined = profile.data?.created_at;
    expect(since).toBe(app.clock.now().toISOString());
  });

  test("uploads, orders, follows and lists a try-on", async () => {
    const { client } = await signedIn();
    const order = { ...(await photos(client)), zone: "top" };
    const headers = { "idempotency-key": crypto.randomUUID() };
    const accepted = await client.fitting.generate.post(order, { headers });
    expect(accepted.status).toBe(202);
    const repeated = await client.fitting.generate.post(order, { headers });
    expect(repeated.data?.id).toBe(accepted.data?.id ?? "none");
    expect(repeated.response?.headers.get("idempotency-replayed")).toBe("true");

    const id = accepted.data?.id ?? "";
    await app.work(async () => (await client.generations({ id }).get()).data?.status === "succeeded");
    const { data: list } = await client.generations.get({ query: { limit: 5 } });
    expect(list?.items.map((item) => [item.id, item.status])).toEqual([[id, "succeeded"]]);
    expect(list?.next_cursor).toBeNull();
    const { data: none } = await client.generations.get({ query: { status: "failed" } });
    expect(none?.items).toEqual([]);
  });

  test("hands over refusals with their type, and never throws", async () => {
    const { client } = await signedIn();
    const missing = problemOf((await client.generations({ id: "nothing" }).get()).error);
    expect(missing).toMatchObject({ code: "not_found", status: 404, title: "Not found" });
    const wrong = problemOf((await client.generations.get({ query: { limit: 1_000 } })).error);
    expect(wrong?.code).toBe("validation_failed");
    expect(wrong?.errors).toEqual([{ path: "/query/limit", message: "Expected integer to be less or equal to 100" }]);

    const nobody = createClient(baseUrl, { language: "ru" });
    const stranger = problemOf((await nobody.balance.get()).error);
    expect(stranger).toMatchObject({ code: "unauthenticated", detail: "Войдите ещё раз." });

    const away = await createClient("http://127.0.0.1:1").fitting.zones.get();
    expect(away.data).toBeNull();
    expect(away.error).not.toBeNull();
    expect(problemOf(away.error)).toBeNull();
    expect(problemOf(null)).toBeNull();
  });

  test("exchanges a worn-out access token once, however many requests meet it", async () => {
    const { client, store, calls } = await signedIn();
    const first = store.tokens;
    app.clock.advance(31 * 60_000);
    const answers = await Promise.all([client.profile.get(), client.balance.get(), client.fitting.zones.get()]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(calls.filter((call) => call === "POST /auth/refresh")).toHaveLength(1);
    expect(store.tokens?.refresh_token).not.toBe(first?.refresh_token ?? "");
    expect((await client.profile.get()).status).toBe(200);
    expect(calls.filter((call) => call === "POST /auth/refresh")).toHaveLength(1);
  });

  test("forgets its tokens when the session has ended", async () => {
    const { client, store } = await signedIn();
    expect((await client.auth.logout.post({ everywhere: true })).status).toBe(204);
    const after = await client.profile.get();
    expect(problemOf(after.error)?.code).toBe("unauthenticated");
    expect(store.tokens).toBeNull();
  });

  test("keeps its tokens when the exchange itself could not be made", async () => {
    const store = memoryStore();
    const kept = { access_token: "a.b.c", refresh_token: "kept" };
    store.write(kept);
    const fetcher = (address: string, init?: RequestInit) =>
      address.endsWith("/auth/refresh") ? Promise.reject(new Error("offline")) : fetch(address, init);
    const answer = await createClient(baseUrl, { tokens: store, fetcher }).profile.get();
    expect(answer.data).toBeNull();
    expect(store.tokens).toEqual(kept);
  });

  test("names the events that really come", async () => {
    const { client, id } = await signedIn();
    const { data: ticket } = await client.live.ticket.post();
    const frames: LiveFrame[] = [];
    const socket = new WebSocket(liveAddress(baseUrl, ticket?.ticket ?? ""));
    socket.onmessage = (message) => void frames.push(readLiveFrame(String(message.data)));
    await until(() => frames.length > 0, "the first frame");
    expect(frames[0]).toEqual({ type: "hello", last_event: 0, active: [] });

    await grantCredits(app.ctx, { userId: id, kind: "gift", credits: 5, source: "test" });
    // Slow enough that the first look finds it in work, so that there is progress to tell.
    app.kie.faults.set("kie.outcome", { mode: "slow", delayMs: 400, times: 1 });
    const accepted = await client.fitting.generate.post({ ...(await photos(client)), zone: "top" });
    const generationId = accepted.data?.id ?? "";
    await app.work(async () => (await client.generations({ id: generationId }).get()).data?.status === "succeeded");
    await until(() => frames.some((frame) => frame.type === "generation.succeeded"), "the last event");
    socket.close();

    const members = new Map(
      frames.flatMap((frame) => (frame.type === "hello" ? [] : [[frame.type, Object.keys(frame.data).toSorted()]])),
    );
    expect(members.get("balance.changed")).toEqual(["action", "credits", "reason", "reserved"]);
    expect(members.get("generation.queued")).toEqual(["id", "status", "type"]);
    expect(members.get("generation.started")).toEqual(["id", "status"]);
    expect(members.get("generation.progress")).toEqual(["id", "progress", "status"]);
    expect(members.get("generation.succeeded")).toEqual(["id", "progress", "status", "type"]);
    for (const frame of frames) {
      if (frame.type === "generation.succeeded") expect(frame.data.id).toBe(generationId);
      if (frame.type === "balance.changed") expect(frame.data.credits).toBeGreaterThanOrEqual(0);
    }
    const { data: again } = await client.live.events.get({ query: { since: 0 } });
    expect(again?.events.map((event) => event.n)).toEqual(
      frames.slice(1).map((frame) => ("n" in frame ? frame.n : -1)),
    );
  });

  test("asks the assistant over as many sockets as it takes, and by request where none opens: one turn", async () => {
    const { client, id, calls } = await signedIn();
    await grantCredits(app.ctx, { userId: id, kind: "gift", credits: 5, source: "chat" });
    const message = { id: crypto.randomUUID(), content: "make it red" };
    const heard: string[] = [];
    let breakLine = () => {};
    const options = {
      baseUrl,
      client,
      message,
      hear: ({ type }: ChatFrame) => {
        heard.push(type);
        if (heard.length === 2) breakLine();
      },
      pause: () => Bun.sleep(5),
      watch: (close: () => void) => {
        breakLine = close;
        return () => {};
      },
    };
    const asked = sayToAssistant(options);
    await until(() => heard.filter((type) => type === "accepted").length === 2, "the message is taken twice");
    let answered = false;
    asked.finally(() => {
      answered = true;
    });
    await app.work(async () => answered);
    const { data } = await asked;
    expect(data).toMatchObject({ credits_spent: 0, message: { variants: [{}, {}, {}] } });
    expect(heard.filter((type) => type !== "delta" && type !== "restart")).toEqual([
      ...["hello", "accepted", "hello", "accepted"],
      ...["variants", "done"],
    ]);
    const before = app.openRouter.stats().requests.length;

    // No socket opens here, but the request names the same message.
    const noSocket = { ...options, baseUrl: "http://127.0.0.1:1", hear: () => {} };
    expect((await sayToAssistant(noSocket)).data).toEqual(data);
    expect(calls.filter((call) => call.startsWith("POST /editing/chat"))).toHaveLength(1);
    expect(app.openRouter.stats().requests.length).toBe(before);
    expect((await client.balance.get()).data?.free_actions.used).toBe(1);
  });

  test("hands over why the assistant would not answer, and lets go when it is told to", async () => {
    const { client } = await signedIn();
    const options = { baseUrl, client, hear: () => {}, pause: () => Bun.sleep(5) };
    const refused = await sayToAssistant({ ...options, message: { id: "no", content: "порно" } });
    expect(refused.data).toBeNull();
    expect(refused.problem).toMatchObject({ code: "prompt_refused", status: 422 });
    const ended = new AbortController();
    const asked = sayToAssistant({
      ...options,
      message: { id: "late", content: "make it blue" },
      signal: ended.signal,
    });
    setTimeout(() => ended.abort(), 50);
    expect(await asked).toEqual({ data: null, problem: null });
    // Nobody listens, and it is answered all the same.
    await app.work(async () => (await client.editing.sessions.get({ query: {} })).data?.items[0]?.message_count === 2);
    const away = createClient("http://127.0.0.1:1");
    const tries: number[] = [];
    const given = new AbortController();
    const nobody = await sayToAssistant({
      ...options,
      client: away,
      message: { id: "away", content: "x" },
      signal: given.signal,
      pause: async (failures) => {
        tries.push(failures);
        if (failures === 3) given.abort();
      },
    });
    expect([nobody, tries]).toEqual([{ data: null, problem: null }, [1, 2, 3]]);
  });

  test("carries nothing of the server into a browser", async () => {
    const entry = join(import.meta.dir, "../src/client.ts");
    const built = await Bun.build({ entrypoints: [entry], target: "browser", minify: true });
    const text = (await built.outputs[0]?.text()) ?? "";
    expect(text).toContain("/auth/refresh");
    expect(text).not.toMatch(/\b(bun|node):|drizzle|sqlite/);
    expect(text.length).toBeLessThan(32 * 1024);
  });

  test("makes the socket's address of the server's", () => {
    expect(liveAddress("https://app.example.org", "a b", 7)).toBe(
      "wss://app.example.org/api/v1/live?ticket=a+b&since=7",
    );
    expect(liveAddress("http://localhost:3000/", "t")).toBe("ws://localhost:3000/api/v1/live?ticket=t");
  });
});
