import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { Elysia, t } from "elysia";
import { cleanUp } from "../../src/features/privacy/index.ts";
import { DAY_MS, HOUR_MS } from "../../src/platform/clock.ts";
import { createMethodTable } from "../../src/platform/http/method-table.ts";
import { problems } from "../../src/platform/http/problem.ts";
import { createLog } from "../../src/platform/telemetry/log.ts";
import { kieSignature } from "../../src/providers/kie/wire.ts";
import { OPENROUTER_BASE_PATH } from "../../src/providers/openrouter/wire.ts";
import { signInitData } from "../../src/sandbox/init-data.ts";
import { type Person, startTestApp, TEST_BOT_TOKEN, type TestApp } from "../support/app.ts";
import { say } from "../support/editing.ts";
import { finish, order, type Photos } from "../support/fitting.ts";
import { PHONE_SECRET, phonePhoto } from "../support/hostile-files.ts";
import { uploadForm } from "../support/pictures.ts";
import { type Recorder, startRecorder } from "../support/recorder.ts";

const NAME = "Святослава";
const SURNAME = "Незабудкина";
const USERNAME = "nezabudka_svyat";
const TELEGRAM_ID = 7_924_681_357;
const NOTE = "tucked in like grandmother Euphrosyne wore it";
const IDEMPOTENCY_KEY = "tap-of-euphrosyne-0001";
const MESSAGE = "brighten the veranda where aunt Philippa sits";
const WEBHOOK_KEY = "webhook-key-1a2b3c4d5e-never-in-a-log";
const JWT_SECRET = "jwt-secret-that-signs-0123456789-never-in-a-log";
const LINK_SECRET = "link-secret-that-signs-0123456789-never-in-a-log";

/** Everything that was handed to the product or by it, and that no log may show. */
const secrets = new Map<string, string>([
  ["the bot's token", TEST_BOT_TOKEN],
  ["the secret half of the bot's token", TEST_BOT_TOKEN.split(":")[1] ?? ""],
  ["the first name", NAME],
  ["the last name", SURNAME],
  ["the user name", USERNAME],
  ["the Telegram id", String(TELEGRAM_ID)],
  ["the note", NOTE],
  ["a name in the note", "Euphrosyne"],
  ["the prompt", "Virtual try-on"],
  ["the Idempotency-Key", IDEMPOTENCY_KEY],
  ["the words to the assistant", MESSAGE],
  ["a name in the words to the assistant", "Philippa"],
  ["the key of its callbacks", WEBHOOK_KEY],
  ["the secret of access tokens", JWT_SECRET],
  ["the secret of links", LINK_SECRET],
  ["a phone's own words in a photo", PHONE_SECRET],
]);

let app: TestApp;
let person: Person;
let photos: Photos;
const kieApi = startRecorder();
const kieUploads = startRecorder();
const openRouter = startRecorder();
const printed: unknown[][] = [];
const spies = (["log", "info", "warn", "error", "debug"] as const).map((method) =>
  spyOn(console, method).mockImplementation((...words: unknown[]) => void printed.push(words)),
);

function initData(authDate: Date): string {
  const user = { id: TELEGRAM_ID, first_name: NAME, last_name: SURNAME, username: USERNAME, language_code: "ru" };
  return signInitData({ botToken: TEST_BOT_TOKEN, user, authDate, extra: { query_id: "AAE-query-id" } });
}

function keepLaunchData(text: string): string {
  const fields = new URLSearchParams(text);
  secrets.set("launch data", text);
  for (const name of ["hash", "signature", "query_id"])
    secrets.set(`the launch data's ${name}`, fields.get(name) ?? "");
  return text;
}

/** Remembers every token in an answer: of sign-in, of links, of sockets. */
async function keep(response: Response): Promise<string> {
  const text = await response.text();
  for (const [, name = "", value = ""] of text.matchAll(/"(access_token|refresh_token|ticket)":"([^"]+)"/g)) {
    secrets.set(`${name} ${secrets.size}`, value);
  }
  for (const [, token = ""] of text.matchAll(/\/files\/([\w-]{84})/g)) secrets.set(`link ${secrets.size}`, token);
  return text;
}

beforeAll(async () => {
  app = await startTestApp({
    keepOpen: true,
    settings: {
      JWT_SECRET,
      LINK_SECRET,
      KIE_API_URL: kieApi.url,
      KIE_UPLOAD_URL: kieUploads.url,
      OPENROUTER_API_URL: `${openRouter.url}${OPENROUTER_BASE_PATH}`,
      KIE_WEBHOOK_KEY: WEBHOOK_KEY,
      FREE_ACTIONS_PER_MONTH: "50",
      GENERATION_DEADLINE_SECONDS: "120",
    },
  });
  secrets.set("the key of kie.ai", app.kie.apiKey);
  secrets.set("the key of OpenRouter", app.openRouter.apiKey);
  kieApi.target = app.kie.url;
  kieUploads.target = app.kie.uploadUrl;
  openRouter.target = app.openRouter.url;
});
afterAll(async () => {
  await app.close();
  await Promise.all([kieApi, kieUploads, openRouter].map((recorder) => recorder.stop()));
  for (const spy of spies) spy.mockRestore();
});

/** The beginnings of a picture as a log could show them: base64, hexadecimal, or raw. */
function keepPicture(what: string, bytes: Uint8Array): void {
  // Every JPEG begins alike, so the sample is taken from the middle.
  const sample = Buffer.from(bytes)
    .subarray(Math.floor(bytes.length / 2 / 3) * 3)
    .subarray(0, 48);
  secrets.set(`${what} in base64`, sample.toString("base64"));
  secrets.set(`${what} in base64url`, sample.toString("base64url"));
  secrets.set(`${what} in hexadecimal`, sample.toString("hex"));
}

async function signIn(): Promise<void> {
  const launch = keepLaunchData(initData(app.clock.now()));
  const answer = await app.request("/auth/telegram", { method: "POST", headers: { authorization: `tma ${launch}` } });
  const signedIn = JSON.parse(await keep(answer)) as {
    access_token: string;
    refresh_token: string;
    user: { id: string };
  };
  expect(answer.status).toBe(200);
  person = {
    token: signedIn.access_token,
    refreshToken: signedIn.refresh_token,
    id: signedIn.user.id,
    telegramId: TELEGRAM_ID,
  };
}

async function refuseSignIns(): Promise<void> {
  const now = app.clock.now();
  const stale = initData(new Date(now.getTime() - 2 * DAY_MS));
  for (const launch of [stale, `${initData(now)}0`, "user=%7B%7D"]) {
    const answer = await app.request("/auth/telegram", { method: "POST", json: { init_data: launch } });
    expect(answer.status).toBe(401);
    await keep(answer);
  }
}

async function upload(): Promise<void> {
  const bytes = await phonePhoto(6);
  keepPicture("the photo as it was sent", bytes);
  const body = uploadForm({ user_photo: { bytes }, item_photo: { bytes } });
  const answer = await app.request("/fitting/upload", { method: "POST", as: person, body });
  photos = JSON.parse(await keep(answer)) as Photos;
  const stored = await app.request(new URL(photos.user_photo.url).pathname);
  keepPicture("the photo as it is stored", await stored.bytes());
}

/** A try-on from the order to its end, with the provider's callback played by hand as kie.ai would send it. */
async function tryOn(expected: "succeeded" | "failed"): Promise<string> {
  const ordering = await order(app, person, photos, { note: NOTE, key: `${IDEMPOTENCY_KEY}-${app.logLines.length}` });
  const { id } = JSON.parse(await keep(ordering)) as { id: string };
  const ended = await finish(app, person, id);
  expect(ended.status).toBe(expected);
  await keep(await app.request(`/generations/${id}`, { as: person }));
  return id;
}

async function callBack(): Promise<void> {
  const task = app.kie.stats().tasks.find((one) => one.callBackUrl !== null);
  const path = new URL(task?.callBackUrl ?? "").pathname;
  secrets.set("the callback's secret", path.split(".").at(-1) ?? "");
  const timestamp = String(Math.floor(app.clock.now().getTime() / 1_000));
  const signature = kieSignature(WEBHOOK_KEY, task?.taskId ?? "", timestamp);
  const json = { code: 200, msg: "success", data: { taskId: task?.taskId } };
  for (const given of [signature, "forged"]) {
    const headers = { "x-webhook-timestamp": timestamp, "x-webhook-signature": given };
    const answer = await app.request(path, { method: "POST", json, headers });
    expect(answer.status).toBe(given === signature ? 200 : 403);
  }
}

async function lookAround(id: string): Promise<void> {
  for (const path of ["/profile", "/generations", "/balance", "/balance/entries", "/live/events?since=0"]) {
    await keep(await app.request(path, { as: person }));
  }
  const view = await finish(app, person, id);
  const path = new URL(view.image_url ?? "").pathname;
  keepPicture("the result", await (await app.request(path)).bytes());
  expect((await app.request(`${path.slice(0, -1)}!`)).status).toBe(404);
  const issued = JSON.parse(await keep(await app.request("/live/ticket", { method: "POST", as: person }))) as {
    ticket: string;
  };
  const port = await app.listen();
  for (let times = 0; times < 2; times += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live?ticket=${issued.ticket}`);
    await new Promise((resolve) => Object.assign(socket, { onmessage: resolve, onclose: resolve }));
    socket.close();
  }
}

/** Renames a table or a column while `work` runs: its statements fail, and their errors hold every value in them. */
async function without(table: string, column: string | null, work: () => Promise<unknown>): Promise<void> {
  const rename = (from: string, to: string) =>
    column === null ? `alter table ${from} rename to ${to}` : `alter table ${table} rename column ${from} to ${to}`;
  const name = column ?? table;
  await app.open.database.raw(rename(name, `${name}_away`));
  try {
    await work();
  } finally {
    await app.open.database.raw(rename(`${name}_away`, name));
  }
}

async function breakTheDatabase(): Promise<void> {
  await without("generations", "note", async () => {
    const answer = await order(app, person, photos, { note: NOTE, key: IDEMPOTENCY_KEY });
    expect(answer.status).toBe(500);
    const problem = JSON.parse(await keep(answer)) as Record<string, unknown>;
    expect(Object.keys(problem).toSorted()).toEqual(["code", "detail", "request_id", "status", "title", "type"]);
  });
  await without("users", null, async () => {
    const json = { init_data: initData(app.clock.now()) };
    expect((await app.request("/auth/telegram", { method: "POST", json })).status).toBe(500);
  });
  await without("files", null, async () => {
    expect((await app.request(new URL(photos.user_photo.url).pathname)).status).toBe(500);
  });
}

describe("T2 the log of a whole try-on, of everything around it and of what went wrong", () => {
  test("is written at its most talkative", async () => {
    await refuseSignIns();
    await signIn();
    await upload();
    const id = await tryOn("succeeded");
    await callBack();
    await lookAround(id);
    for (const [fault, mode] of [
      ["kie.outcome", "moderated"],
      ["kie.outcome", "refused"],
      ["kie.create", "code_422"],
      ["kie.create", "executed_reset"],
      ["kie.result", "garbage"],
      ["kie.upload", "http_500"],
    ] as const) {
      app.kie.faults.set(fault, { mode });
      await tryOn("failed");
      app.kie.faults.clear();
      // The circuit breaker must have forgotten the fault before the next order.
      app.clock.advance(HOUR_MS);
      await signIn();
      await upload();
    }
    await keep(
      await say(app, person, { message: MESSAGE, photo_id: photos.user_photo.id, key: `${IDEMPOTENCY_KEY}-chat` }),
    );
    app.openRouter.faults.set("openrouter.chat", { mode: "http_500" });
    await keep(await say(app, person, { message: MESSAGE, photo_id: photos.user_photo.id }));
    app.openRouter.faults.clear();
    await breakTheDatabase();
    for (let times = 0; times < 2; times += 1) {
      await keep(await app.request("/auth/refresh", { method: "POST", json: { refresh_token: person.refreshToken } }));
    }
    app.clock.advance(2 * DAY_MS);
    await cleanUp(app.ctx, { dryRun: false });
  }, 60_000);

  test("tells enough to be worth reading", () => {
    const log = app.logLines.join("\n");
    for (const line of [
      "a person signed in for the first time",
      "provider call",
      "the provider did not take a task",
      "the provider's result is not usable",
      "a bug answered with 500",
      "failed query",
      "a refresh token was used twice",
      "request_id",
    ]) {
      expect(log).toContain(line);
    }
    expect(secrets.size).toBeGreaterThan(60);
  });

  test("T2 holds no secret, no word, no name and no picture of anybody", () => {
    const found = [...secrets].flatMap(([what, secret]) => {
      expect([what, secret.length > 5]).toEqual([what, true]);
      const line = app.logLines.find((text) => text.includes(secret) || text.includes(encodeURIComponent(secret)));
      return line === undefined ? [] : [{ what, line }];
    });
    expect(found).toEqual([]);
  });

  test("nothing is printed past the log", () => {
    expect(printed).toEqual([]);
  });

  test("an answer that is not as described is logged without itself", async () => {
    const lines: string[] = [];
    const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
    const broken = new Elysia().use(problems(log, createMethodTable())).get("/", () => ({ name: NAME }) as never, {
      response: { 200: t.Object({ id: t.String(), name: t.Integer() }) },
    });
    const answer = await broken.handle(new Request("http://localhost/"));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain(NAME);
    expect(lines.join()).toContain("/response/name");
    expect(lines.join()).not.toContain(NAME);
  });
});

describe("what the providers are sent", () => {
  const PERSONAL = [NAME, SURNAME, USERNAME, String(TELEGRAM_ID), PHONE_SECRET, "GPS", "Spyphone", "photo.jpg"];

  test("is our key and what the work needs, and nothing about who it is for", () => {
    for (const recorder of [kieApi, kieUploads, openRouter]) {
      expect(recorder.requests.length).toBeGreaterThan(0);
      for (const { path, headers, body } of recorder.requests) {
        const sent = [path, headers, body].join("\n");
        for (const personal of PERSONAL) expect(sent).not.toContain(Buffer.from(personal).toString("latin1"));
        for (const own of [
          TEST_BOT_TOKEN,
          JWT_SECRET,
          LINK_SECRET,
          WEBHOOK_KEY,
          person.id,
          person.token,
          IDEMPOTENCY_KEY,
        ]) {
          expect(sent).not.toContain(own);
        }
      }
    }
  });

  test("the words of a person go to the model and nowhere else, each provider's key to that provider alone", () => {
    const holding = (recorder: Recorder, text: string) =>
      recorder.requests.filter(({ path, headers, body }) => (path + headers + body).includes(text)).length;
    expect(holding(kieApi, NOTE)).toBeGreaterThan(0);
    expect(holding(openRouter, MESSAGE)).toBeGreaterThan(0);
    expect([holding(kieUploads, NOTE), holding(openRouter, NOTE), holding(kieApi, MESSAGE)]).toEqual([0, 0, 0]);
    expect([holding(openRouter, app.kie.apiKey), holding(kieApi, app.openRouter.apiKey)]).toEqual([0, 0]);
  });
});

describe("X12 an answer to a bad request", () => {
  const MARK = "zq7-input-value-zq7";
  const json = (path: string, value: unknown) => ({ path, method: "POST", json: value });
  const order = { user_photo_id: "x", item_photo_id: "x", zone: "top" };
  const asks = [
    json("/auth/telegram", { init_data: MARK }),
    json("/auth/telegram", { init_data: [MARK] }),
    json("/auth/refresh", { refresh_token: MARK }),
    json("/auth/refresh", { refresh_token: { deep: MARK } }),
    json("/auth/logout", { everywhere: MARK }),
    json("/fitting/generate", { ...order, user_photo_id: MARK }),
    json("/fitting/generate", { ...order, zone: MARK }),
    json("/fitting/generate", { ...order, zone: MARK.repeat(9) }),
    json("/fitting/generate", { ...order, note: MARK.repeat(90) }),
    json("/fitting/generate", { ...order, note: [MARK] }),
    json("/fitting/generate", { ...order, surplus: MARK }),
    { ...json("/fitting/generate", order), headers: { "idempotency-key": `${MARK} with spaces` } },
    json("/editing/chat", { message: MARK, photo_id: MARK, session_id: MARK }),
    json("/editing/generate", { prompt: MARK, generation_id: MARK, variant_id: MARK }),
    {
      path: "/auth/refresh",
      method: "POST",
      body: `{"refresh_token": ${MARK}`,
      headers: { "content-type": "application/json" },
    },
    { path: `/generations/${MARK}` },
    { path: `/generations?cursor=${MARK}` },
    { path: `/generations?limit=${MARK}&status=${MARK}&type=${MARK}` },
    { path: `/live/events?since=${MARK}&wait=${MARK}` },
    { path: `/files/${MARK}?download=${MARK}` },
    { path: `/${MARK}` },
    { path: `/kie/callback/${MARK}`, method: "POST", json: { data: { taskId: MARK } } },
    { path: "/profile", headers: { authorization: `Bearer ${MARK}` } },
  ];
  for (const asked of asks) {
    const { path, ...rest } = asked;
    test(`X12 to ${JSON.stringify({ path, ...rest })
      .replaceAll(MARK, "...")
      .slice(0, 110)} repeats nothing of it`, async () => {
      const as = path === "/profile" ? undefined : await app.signIn({ telegramId: TELEGRAM_ID });
      const answer = await app.request(path, { as, ...rest });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.text()).not.toContain(MARK);
      expect(JSON.stringify(Object.fromEntries(answer.headers))).not.toContain(MARK);
      expect(app.logLines.filter((line) => line.includes(MARK))).toEqual([]);
    });
  }
});
