import { eq } from "drizzle-orm";
import { grantCredits, payments, refundPayment } from "../../src/features/billing/index.ts";
import { startTurn } from "../../src/features/editing/start-turn.ts";
import { files } from "../../src/features/photos/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { signInitData } from "../../src/sandbox/init-data.ts";
import { type Person, TEST_BOT_TOKEN, type TestApp } from "./app.ts";
import { said, uploadEditPhoto } from "./editing.ts";
import { finish, order, uploadPhotos } from "./fitting.ts";
import { hashOf } from "./traces.ts";

/** Words that stand nowhere but where this person, or somebody about them, has put them. */
export const MARKERS = {
  firstName: "Zoryana",
  lastName: "Markerovich",
  cyrillic: "Незабудкова",
  username: "zoryana_marker",
  telegramId: "7924681357",
  note: "tucked in like grandmother Euphrosyne wore it",
  message: "brighten the veranda where aunt Philippa sits",
  clientId: "phone-of-zoryana-17",
  ownPrompt: "paint the fence of uncle Bartholomew green",
  key: "tap-of-zoryana-0001",
  returnUrl: "zoryana-came-from-here",
  grantReason: "sorry for Zoryanas lost picture",
  refundReason: "Zoryanas brother asked",
  banReason: "shouted at aunt Wilhelmina",
} as const;
export const ALL_MARKERS: readonly string[] = Object.values(MARKERS);

export interface FullPerson {
  person: Person;
  /** Made by a free action, with a watermark at first. */
  watermarked: string;
  /** Still in work at the provider. */
  running: string;
  /** Still in the queue. */
  queued: string;
  sessionId: string;
  paymentId: string;
  /** The hash of every stored picture of the person. */
  fileHashes: string[];
}

/** Signs somebody in with names and a user name that occur nowhere else. */
export async function signInMarked(app: TestApp, telegramId = Number(MARKERS.telegramId)): Promise<Person> {
  const user = {
    id: telegramId,
    first_name: MARKERS.firstName,
    last_name: `${MARKERS.lastName} ${MARKERS.cyrillic}`,
    username: MARKERS.username,
    language_code: "en",
    allows_write_to_pm: true,
  };
  const init_data = signInitData({ botToken: TEST_BOT_TOKEN, user, authDate: app.clock.now() });
  const response = await app.request("/auth/telegram", { method: "POST", json: { init_data } });
  if (response.status !== 200) throw new Error(`sign-in answered ${response.status}: ${await response.text()}`);
  const answer = (await response.json()) as { access_token: string; refresh_token: string; user: { id: string } };
  return { token: answer.access_token, refreshToken: answer.refresh_token, id: answer.user.id, telegramId };
}

/**
 * A person of whom there is something in every table that can hold something of a person: pictures with and without a
 * watermark, work under way, a conversation, a purchase of which a part was given back, and words of others about them.
 */
export async function makeFullPerson(app: TestApp): Promise<FullPerson> {
  const person = await signInMarked(app);
  await app.request("/profile/consent", { method: "POST", as: person, json: { version: "2026-11" } });
  const photos = await uploadPhotos(app, person);
  const first = await accepted(order(app, person, photos, { note: MARKERS.note, key: MARKERS.key }));
  const made = await finish(app, person, first);
  if (made.status !== "succeeded" || !made.watermarked) throw new Error(`the first picture is ${made.status}`);
  const photo = await uploadEditPhoto(app, person);
  const { session_id } = await said(app, person, { message: MARKERS.message, photo_id: photo.id, key: "k2" });
  await startTurn(app.ctx, {
    userId: person.id,
    sessionId: session_id,
    message: MARKERS.message,
    clientId: MARKERS.clientId,
  });
  await app.work();
  const edited = await accepted(
    app.request("/editing/generate", {
      method: "POST",
      as: person,
      json: { photo_id: photo.id, prompt: MARKERS.ownPrompt },
    }),
  );
  await finish(app, person, edited);
  const paymentId = await buyAndRefundPart(app, person);
  await grantCredits(app.ctx, {
    userId: person.id,
    kind: "gift",
    credits: 7,
    source: `operator:${MARKERS.telegramId}-ticket`,
    reason: MARKERS.grantReason,
  });
  await app.ctx.db.update(users).set({ banReason: MARKERS.banReason }).where(eq(users.id, person.id));
  await app.work();
  const { running, queued } = await leaveWorkUnderWay(app, person, MARKERS.note);
  await app.request("/live/ticket", { method: "POST", as: person });
  return {
    person,
    watermarked: first,
    running,
    queued,
    sessionId: session_id,
    paymentId,
    fileHashes: await hashesOf(app, person),
  };
}

/** One picture in work at the provider, one in the queue. */
export async function leaveWorkUnderWay(app: TestApp, person: Person, note: string) {
  const photos = await uploadPhotos(app, person);
  app.kie.faults.set("kie.outcome", { mode: "never", times: 1 });
  const running = await accepted(order(app, person, photos, { note }));
  await app.work(async () => (await statusOf(app, person, running)) === "running");
  return { running, queued: await accepted(order(app, person, photos, { note })) };
}

async function buyAndRefundPart(app: TestApp, person: Person): Promise<string> {
  const return_url = `https://example.org/${MARKERS.returnUrl}`;
  const json = { product: "pack_60", return_url };
  const response = await app.request("/payments/create", { method: "POST", as: person, json });
  if (response.status !== 201) throw new Error(`create answered ${response.status}: ${await response.text()}`);
  const { payment } = (await response.json()) as { payment: { id: string } };
  const row = async () => {
    const [found] = await app.ctx.db.select().from(payments).where(eq(payments.id, payment.id));
    if (!found) throw new Error("the order is gone");
    return found;
  };
  const object = app.yooKassa.pay((await row()).yookassaId ?? "");
  await app.request("/payments/webhook", {
    method: "POST",
    json: { type: "notification", event: "payment.succeeded", object },
  });
  await app.work();
  await refundPayment(app.ctx, { payment: await row(), amountKopecks: 10_000, reason: MARKERS.refundReason });
  return payment.id;
}

/** The hash of each picture of the person that is stored. */
export async function hashesOf(app: TestApp, person: Person): Promise<string[]> {
  const rows = await app.ctx.db.select().from(files).where(eq(files.userId, person.id));
  const hashes: string[] = [];
  for (const row of rows) {
    const bytes = await (await app.ctx.storage.read(row.storageKey))?.content();
    if (bytes) hashes.push(hashOf(bytes));
  }
  return hashes;
}

export async function accepted(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  if (response.status !== 202) throw new Error(`the order answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

async function statusOf(app: TestApp, person: Person, id: string): Promise<string> {
  return ((await (await app.request(`/generations/${id}`, { as: person })).json()) as { status: string }).status;
}
