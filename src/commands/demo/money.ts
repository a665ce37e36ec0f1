import { eq } from "drizzle-orm";
import {
  findPayment,
  payments,
  previewRefund,
  refundPayment,
  subscriptionPeriods,
  taxEntries,
  taxMonth,
  taxOn,
  verifyLedger,
} from "../../features/billing/index.ts";
import { DAY_MS, MINUTE_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import { kopecksToText } from "../../platform/money.ts";
import { moscowMonth } from "../../platform/moscow.ts";
import { print, table } from "../command.ts";
import { type DemoClient, signInDemo } from "./client.ts";
import { DEMO_TELEGRAM_ID, type DemoServer, printLedger } from "./server.ts";

const CARD = "5555555555554444";
const PERIODS = 3;
/** The scheduler looks every minute. */
const WAIT_MS_MAX = 90_000;
const LOOK_EVERY_MS = 100;

interface Subscription {
  ends_at: string;
  next_charge_at: string | null;
}

/** A pack and a plan are bought on the pay page, three periods pass by the sandbox's clock, half of the pack goes back. */
export async function moneyDemo(server: DemoServer): Promise<number> {
  print("SANDBOX: every provider is played on this machine; no money moves.\n");
  const person = { client: await signInDemo(server.baseUrl, DEMO_TELEGRAM_ID) };
  const pack = await buy(person.client, { product: "pack_60" });
  await until("the pack's credits", async () => (await credits(person.client)) === 60);
  await buy(person.client, { product: "basic", save_method: true });
  await until("the plan's credits", async () => (await credits(person.client)) === 110);
  for (let period = 1; period <= PERIODS; period += 1) await letPeriodPass(server, person);
  await refundHalf(server, pack);
  await until("the tax journal", () => isFiled(server));
  print();
  await printBooks(server, person.client);
  const { differences } = await verifyLedger(server.ctx);
  print(`\nledger verify: ${differences.length} differences.`);
  return differences.length === 0 ? 0 : 1;
}

/** Orders, then does on the pay page what a person does: types the card's number and presses the button. */
async function buy(client: DemoClient, order: { product: string; save_method?: boolean }): Promise<string> {
  const { payment } = await client.post<{ payment: { id: string; amount: string; confirmation_url: string } }>(
    "/payments/create",
    order,
  );
  const paid = await fetch(payment.confirmation_url, {
    method: "POST",
    body: new URLSearchParams({ card: CARD }),
    redirect: "manual",
  });
  if (paid.status >= 400) throw new OperatorError(`The pay page answered ${paid.status}.`);
  print(`Bought ${order.product} for ${payment.amount} ₽ on the pay page.`);
  return payment.id;
}

async function credits(client: DemoClient): Promise<number> {
  return (await client.get<{ credits: number }>("/balance")).credits;
}

async function running(client: DemoClient): Promise<Subscription> {
  const { subscription } = await client.get<{ subscription: Subscription | null }>("/subscription");
  if (!subscription) throw new OperatorError("The subscription has ended.");
  return subscription;
}

/** The notice a day before the end, then the charge of the stored card. */
async function letPeriodPass(server: DemoServer, person: { client: DemoClient }): Promise<void> {
  const { ends_at } = await running(person.client);
  const moveTo = async (moment: number) => {
    server.sandbox.clock.advance(moment - server.sandbox.clock.now().getTime());
    await server.sandbox.yooKassa.advance(0);
    person.client = await signInDemo(server.baseUrl, DEMO_TELEGRAM_ID);
  };
  await moveTo(Date.parse(ends_at) - DAY_MS - 9 * MINUTE_MS);
  await until("the notice", async () => (await running(person.client)).next_charge_at !== null);
  await moveTo(Date.parse(ends_at) - 8 * MINUTE_MS);
  await until("the renewal", async () => (await running(person.client)).ends_at !== ends_at);
  await moveTo(Date.parse(ends_at) + MINUTE_MS);
  print(`The clock was moved past ${ends_at.slice(0, 10)}: told a day before, charged once.`);
}

async function refundHalf(server: DemoServer, paymentId: string): Promise<void> {
  const payment = await findPayment(server.ctx, paymentId);
  if (!payment) throw new OperatorError("The pack's payment is gone.");
  const amountKopecks = payment.amountKopecks / 2;
  const preview = await previewRefund(server.ctx, payment, amountKopecks);
  await refundPayment(server.ctx, { payment, amountKopecks, reason: "demo", key: "demo" });
  print(`Gave ${kopecksToText(amountKopecks)} ₽ of the pack back, and took ${preview.creditsRevoked} unused credits.`);
}

async function printBooks({ ctx }: DemoServer, client: DemoClient): Promise<void> {
  const money = (kopecks: number) => kopecksToText(kopecks);
  const rows = await ctx.db.select().from(payments).where(eq(payments.status, "succeeded")).orderBy(payments.id);
  const lines = rows.map((row) => ({
    name: row.product,
    numbers: [row.amountKopecks, row.refundedKopecks, row.commissionKopecks, row.taxKopecks, netOf(row)],
    isReal: row.commissionIsReal,
  }));
  const sums = [0, 1, 2, 3, 4].map((column) => lines.reduce((sum, { numbers }) => sum + (numbers[column] ?? 0), 0));
  print(
    table(
      ["payment, ₽", "gross", "refunded", "commission", "tax 4 %", "net"],
      [
        ...lines.map(({ name, numbers, isReal }) => [name, ...numbers.map(money), isReal ? "" : "(forecast)"]),
        ["all", ...sums.map(money)],
      ],
    ),
  );
  const periods = await ctx.db.select().from(subscriptionPeriods).orderBy(subscriptionPeriods.number);
  print();
  print(
    table(
      ["period", "plan", "from", "to"],
      periods.map((one) => [String(one.number), one.type, day(one.startsAt), day(one.endsAt)]),
    ),
  );
  print();
  const months = [...new Set(rows.map((row) => moscowMonth(row.succeededAt ?? row.createdAt)))];
  const journal = (await Promise.all(months.map((month) => taxMonth(ctx, month)))).flat();
  print(
    table(
      ["tax journal", "gross, ₽", "tax, ₽", "state"],
      journal.map((one) => [one.date, money(one.grossKopecks), money(taxOn(one.grossKopecks)), one.state]),
    ),
  );
  print();
  await printLedger(client);
}

/** What is left to the owner of a payment. */
function netOf(row: typeof payments.$inferSelect): number {
  return row.amountKopecks - row.refundedKopecks - row.commissionKopecks - row.taxKopecks;
}

function day(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** Whether every sale in force is registered at the tax service and every refunded one annulled there. */
async function isFiled({ ctx }: DemoServer): Promise<boolean> {
  const entries = await ctx.db.select().from(taxEntries);
  return entries.every(({ state, annulDue }) => (state === "registered" || state === "annulled") && !annulDue);
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new OperatorError(`${what} did not come within a minute and a half.`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
