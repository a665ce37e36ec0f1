import { createBroadcast } from "../../src/features/admin/broadcasts/broadcasts.ts";
import { dayFigures } from "../../src/features/admin/overview/overview-tables.ts";
import { noTimes } from "../../src/features/admin/overview/picture-times.ts";
import { makeOperatorLink, setRole } from "../../src/features/auth/index.ts";
import { DAY_MS } from "../../src/platform/clock.ts";
import { moscowDate } from "../../src/platform/moscow.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { parkByHand } from "../../src/platform/queue/inspect.ts";
import { signInitData } from "../../src/sandbox/init-data.ts";
import { type RunningSandbox, SANDBOX_BOT_TOKEN } from "../../src/sandbox/server.ts";
import { picture, uploadForm } from "./pictures.ts";
import { type SandboxServer, startSandboxServer } from "./sandbox-server.ts";
import { until } from "./until.ts";

const OWNER = { id: 900, first_name: "Оля", username: "olya", language_code: "ru", allows_write_to_pm: true };
const GOOD_CARD = "5555555555554444";
/** Somebody who would like the panel to run their words. */
export const HOSTILE_NAME = `<img src=x onerror="document.title='hacked'">`;

export interface PanelPerson {
  id: string;
  telegramId: number;
  headers: Record<string, string>;
}

/** A shop with some life in it, for whoever looks at the panel. */
export interface PanelStage {
  server: SandboxServer;
  anna: PanelPerson;
  hostile: PanelPerson;
  /** Anna's pack of 60 credits for 399 roubles. */
  paymentId: string;
  generationId: string;
  parkedJobId: string;
  /** A draft. */
  broadcastId: string;
  /** Signed data as Telegram hands it to a page that the owner opens. */
  initData(): string;
  /** Somebody buys the same pack now. */
  buy(person: PanelPerson): Promise<string>;
  /** A fresh address that signs an owner in, or somebody who may only look. */
  link(as?: "owner" | "viewer"): Promise<string>;
  stop(): Promise<void>;
}

export async function setPanelStage(): Promise<PanelStage> {
  const server = await startSandboxServer(withoutTaxConnector);
  const { ctx, base } = server;
  const owner = await come(server, OWNER);
  const viewer = await come(server, { id: 901, first_name: "Вера", language_code: "ru" });
  await setRole(ctx, { operatorId: null, reason: "a test", userId: viewer.id, role: "viewer" });
  await setRole(ctx, { operatorId: null, reason: "a test", userId: owner.id, role: "owner" });
  const anna = await come(server, { id: 1001, first_name: "Анна", username: "anna_fits", language_code: "ru" });
  const hostile = await come(server, { id: 1002, first_name: HOSTILE_NAME, language_code: "en" });
  const paymentId = await buyPack(server, anna);
  const generationId = await orderFitting(server, anna);
  const parkedJobId = await enqueue(ctx, "figures.nobody_knows", { why: "a test" });
  if (parkedJobId === null) throw new Error("the job was not taken");
  await parkByHand(ctx, parkedJobId, "set aside by a test");
  const draft = { segment: "all" as const, textRu: "Скоро весна", textEn: "Spring is near" };
  const { id: broadcastId } = await createBroadcast(ctx, { operatorId: owner.id, reason: "a test", draft });
  await writeFigures(server);
  return {
    server,
    anna,
    hostile,
    paymentId,
    generationId,
    parkedJobId,
    broadcastId,
    buy: (person) => buyPack(server, person),
    initData: () => signInitData({ botToken: SANDBOX_BOT_TOKEN, user: OWNER, authDate: ctx.clock.now() }),
    async link(as = "owner") {
      const userId = as === "owner" ? owner.id : viewer.id;
      const token = await makeOperatorLink(ctx, { operatorId: null, reason: "a test", userId });
      return `${base}/admin#link=${token}`;
    },
    stop: () => server.stop(),
  };
}

/** Sales wait for the owner's hand; otherwise the server registers them whenever its minute comes. */
function withoutTaxConnector(sandbox: RunningSandbox): void {
  const environment = new Map(sandbox.environment);
  for (const name of ["MY_TAX_INN", "MY_TAX_PASSWORD"]) environment.delete(name);
  sandbox.environment = environment;
}

async function come({ base, ctx }: SandboxServer, user: { id: number; first_name: string } & Record<string, unknown>) {
  const initData = signInitData({ botToken: SANDBOX_BOT_TOKEN, user, authDate: ctx.clock.now() });
  const answer = await fetch(`${base}/api/v1/auth/telegram`, {
    method: "POST",
    headers: { authorization: `tma ${initData}` },
  });
  const { access_token: token, user: person } = (await answer.json()) as { access_token: string; user: { id: string } };
  const headers = { authorization: `Bearer ${token}` };
  return { id: person.id, telegramId: user.id, headers };
}

async function buyPack({ base }: SandboxServer, { headers }: PanelPerson): Promise<string> {
  const created = await fetch(`${base}/api/v1/payments/create`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ product: "pack_60" }),
  });
  const { payment } = (await created.json()) as { payment: { id: string; confirmation_url: string } };
  const card = new URLSearchParams({ card: GOOD_CARD });
  await fetch(payment.confirmation_url, { method: "POST", body: card, redirect: "manual" });
  const isPaid = async () => {
    const seen = await fetch(`${base}/api/v1/payments/${payment.id}`, { headers });
    return ((await seen.json()) as { status: string }).status === "succeeded";
  };
  await until(isPaid, "the payment arrives", 10_000);
  return payment.id;
}

async function orderFitting({ base }: SandboxServer, { headers }: PanelPerson): Promise<string> {
  const body = uploadForm({ user_photo: { bytes: await picture({}) }, item_photo: { bytes: await picture({}) } });
  const uploaded = await fetch(`${base}/api/v1/fitting/upload`, { method: "POST", headers, body });
  const photos = (await uploaded.json()) as { user_photo: { id: string }; item_photo: { id: string } };
  const ordered = await fetch(`${base}/api/v1/fitting/generate`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ user_photo_id: photos.user_photo.id, item_photo_id: photos.item_photo.id, zone: "top" }),
  });
  if (ordered.status !== 202) throw new Error(`the order was answered ${ordered.status}: ${await ordered.text()}`);
  return ((await ordered.json()) as { id: string }).id;
}

const FIGURE_DAYS = 70;

/** Days of a shop that grows, with a bad one in between; today is left to the server. */
async function writeFigures({ ctx }: SandboxServer): Promise<void> {
  const now = ctx.clock.now();
  for (let back = 1; back <= FIGURE_DAYS; back += 1) {
    const share = (FIGURE_DAYS - back) / FIGURE_DAYS;
    const paid = Math.round(40_000 + 90_000 * share + 30_000 * Math.sin(back));
    const tax = Math.round(paid * 0.04);
    const commission = Math.round(paid * 0.035);
    const pictures = Math.round(60 + 200 * share);
    const times = noTimes();
    times[6] = Math.round(pictures * 0.6);
    times[12] = Math.round(pictures * 0.4);
    await ctx.db
      .insert(dayFigures)
      .values({
        date: moscowDate(new Date(now.getTime() - back * DAY_MS)),
        newPeople: Math.round(10 + 20 * share),
        actives: Math.round(40 + 120 * share),
        buyers: Math.round(3 + 8 * share),
        firstBuyers: 2,
        sales: Math.round(4 + 9 * share),
        paidKopecks: paid,
        baseKopecks: paid,
        taxKopecks: tax,
        commissionKopecks: commission,
        commissionForecastKopecks: 0,
        testKopecks: 0,
        pictures,
        picturesFailed: back === 9 ? 40 : 3,
        picturesCancelled: 1,
        turns: 80,
        turnsFailed: 1,
        pictureCostKopecks: pictures * 180,
        turnCostKopecks: 1_200,
        kieThousandKopecks: 45_000,
        dollarKopecks: 9_000,
        pictureTimes: times,
        computedAt: now,
      })
      .onConflictDoNothing();
  }
}
