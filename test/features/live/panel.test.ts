import { beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operators } from "../../../src/features/auth/tables.ts";
import { PANEL_TOPICS, type PanelHint } from "../../../src/platform/live/panel-hints.ts";
import { isConnected } from "../../../src/platform/live/presence.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import type { Person } from "../../support/app.ts";
import { paidFor } from "../../support/buying.ts";
import { finish, ordered } from "../../support/fitting.ts";
import { admin, type Operators, OWNER_SETTING, signInOperators } from "../../support/operators.ts";
import { until } from "../../support/until.ts";
import { connect, type LiveClient, open, startLive, tell, ticketFor } from "./live-client.ts";

const { product, server } = await startLive({ settings: { ...OWNER_SETTING, FREE_ACTIONS_PER_MONTH: "3" } });
let team: Operators;
beforeAll(async () => {
  team = await signInOperators(product);
});

/** Longer than frames are gathered and held back for. */
const LONG_MS = 1_700;

const hintsOf = (client: LiveClient) =>
  (client.events as unknown as { type: string }[]).filter((frame) => frame.type === "panel") as PanelHint[];
const topicsOf = (client: LiveClient) => new Set(hintsOf(client).flatMap((hint) => hint.data.topics));

/** An operator's socket that has been told that it is listened to; what it is told from then on stands in `events`. */
async function connectOperator(person: Person): Promise<LiveClient> {
  const client = await connect(product, server.port, person);
  await until(() => hintsOf(client).length > 0, "the first hint");
  expect(hintsOf(client)[0]?.data).toEqual({ topics: [...PANEL_TOPICS] });
  client.events.length = 0;
  return client;
}

const bumpJobs = () => product.ctx.transaction((tx) => enqueue(tx, "test.nothing", {}));

describe("an operator's socket", () => {
  test("is told which pages are old by what people do and what operators do, without numbers and without anything of it", async () => {
    const client = await connectOperator(team.viewer);
    const buyer = await product.signIn({ firstName: "Zinaida" });
    const payment = await paidFor(product, buyer);
    await until(() => topicsOf(client).has("payments"), "payments");
    const { id } = await ordered(product, buyer);
    await finish(product, buyer, id);
    await until(() => topicsOf(client).has("generations") && topicsOf(client).has("jobs"), "pictures and jobs");
    await admin(product, team.owner, "/maintenance", { on: true, reason: "a new server" });
    await admin(product, team.owner, "/maintenance", { on: false, reason: "moved" });
    await until(() => topicsOf(client).has("maintenance") && topicsOf(client).has("audit"), "what operators do");
    const draft = { segment: "all", text_ru: "да", text_en: "yes", reason: "news" };
    expect((await admin(product, team.owner, "/broadcasts", draft)).status).toBe(201);
    await until(() => topicsOf(client).has("broadcasts"), "broadcasts");
    await product.ctx.transaction((tx) => enqueue(tx, "figures.count", {}));
    await product.work();
    await until(() => topicsOf(client).has("figures"), "figures");
    for (const hint of hintsOf(client)) {
      expect(Object.keys(hint)).toEqual(["type", "at", "data"]);
      expect(Object.keys(hint.data)).toEqual(["topics"]);
    }
    // Only words: whose payment or picture it is stays behind the routes that ask for a role.
    const said = JSON.stringify(client.events);
    for (const secret of [buyer.id, payment.id, id, "Zinaida"]) expect(said).not.toContain(secret);
    expect(client.events.filter((frame) => frame.n !== undefined)).toEqual([]);
    client.socket.close();
  }, 60_000);

  test("stays the person's own as well: their events come in order between the hints, and hints are not stored", async () => {
    const client = await connectOperator(team.support);
    for (let index = 0; index < 5; index += 1) {
      await tell(product, team.support.id, { index });
      await bumpJobs();
    }
    await until(() => client.events.filter((frame) => frame.n !== undefined).length === 5, "their own events");
    await until(() => hintsOf(client).length > 0, "a hint");
    const again = await product.request("/live/events?since=0", { as: team.support });
    const { events } = (await again.json()) as { events: { type: string }[] };
    expect(new Set(events.map((event) => event.type))).toEqual(new Set(["notice"]));
    client.socket.close();
  });

  test("of a page of the panel does not keep the bot from sending them their pictures", async () => {
    const person = team.owner;
    const page = open(server.port, `ticket=${await ticketFor(product, person)}&panel=true`);
    await until(() => hintsOf(page).length > 0, "the first hint");
    expect(await isConnected(product.ctx, person.id)).toBe(false);
    const app = await connect(product, server.port, person);
    await app.hello;
    await until(() => isConnected(product.ctx, person.id), "the app's own socket counts");
    page.socket.close();
    app.socket.close();
    const refused = open(server.port, `ticket=${await ticketFor(product, person)}&panel=yes`);
    expect((await refused.closed).code).not.toBe(1000);
  });
});

describe("nobody else's socket", () => {
  test("ever gets such a frame: not a person's, whatever they add to the address", async () => {
    const person = await product.signIn();
    const clients = [
      await connect(product, server.port, person),
      open(server.port, `ticket=${await ticketFor(product, person)}&panel=true`),
      open(server.port, `ticket=${await ticketFor(product, person)}&since=0`),
    ];
    await Promise.all(clients.map((client) => client.hello));
    const operator = await connectOperator(team.viewer);
    await bumpJobs();
    await tell(product, person.id, { mine: true });
    await until(() => hintsOf(operator).length > 0, "the operator hears it");
    for (const client of clients) await client.until(1);
    await Bun.sleep(LONG_MS);
    for (const client of clients) expect(client.events.map((frame) => frame.type)).toEqual(["notice"]);
    for (const client of [...clients, operator]) client.socket.close();
  });

  test("nor that of somebody who was an operator when it opened: it stays open and hears nothing more", async () => {
    const helper = await product.signIn();
    const createdAt = product.clock.now();
    await product.ctx.db.insert(operators).values({ userId: helper.id, role: "viewer", createdAt });
    const client = await connectOperator(helper);
    const other = await connectOperator(team.viewer);
    await bumpJobs();
    await until(() => hintsOf(client).length > 0 && hintsOf(client).length === hintsOf(other).length, "both hear it");
    // As by a command in another process: no word reaches this one.
    await product.ctx.db.delete(operators).where(eq(operators.userId, helper.id));
    const [heard, heardByOther] = [hintsOf(client).length, hintsOf(other).length];
    await bumpJobs();
    await until(() => hintsOf(other).length > heardByOther, "the other one hears it");
    await Bun.sleep(100);
    expect([hintsOf(client).length, client.socket.readyState]).toEqual([heard, WebSocket.OPEN]);
    await tell(product, helper.id, { mine: true });
    await until(() => client.events.some((frame) => frame.type === "notice"), "their own events still come");
    client.socket.close();
    other.socket.close();
  });

  test("nor that of an operator who was blocked", async () => {
    const helper = await product.signIn();
    const createdAt = product.clock.now();
    await product.ctx.db.insert(operators).values({ userId: helper.id, role: "support", createdAt });
    const client = await connectOperator(helper);
    const other = await connectOperator(team.viewer);
    await product.ctx.db.delete(operators).where(eq(operators.userId, helper.id));
    await admin(product, team.owner, `/people/${helper.id}/ban`, { reason: "gave secrets away" });
    await product.ctx.db.insert(operators).values({ userId: helper.id, role: "support", createdAt });
    expect((await client.closed).code).toBe(1008);
    await until(() => hintsOf(other).length > 0, "the other one hears of it");
    expect(hintsOf(client)).toEqual([]);
    other.socket.close();
  });
});
