import { describe, expect, test } from "bun:test";
import type { Page, WebSocket } from "playwright-core";
import type { PanelTopic } from "../../src/client.ts";
import { audiencesOf } from "../../src/features/admin/broadcasts/audience.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { parkByHand } from "../../src/platform/queue/inspect.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import {
  confirm,
  expectNoComplaints,
  factOf,
  inDialog,
  press,
  STORY_DEADLINE_MS,
  says,
  usePanelDesk,
} from "../support/panel-desk.ts";
import { becomes, until } from "../support/until.ts";

/** Far less than the page's own polling, slow or fast. */
const AT_ONCE_MS = 9_000;
/** A little more than the pace of a page to which no hints come. */
const POLL_MS = 11_000;

/** What the page's socket has said so far. */
function listen(page: Page) {
  const heard: PanelTopic[][] = [];
  const sockets: WebSocket[] = [];
  page.on("websocket", (socket) => {
    sockets.push(socket);
    socket.on("framereceived", ({ payload }) => {
      const frame = JSON.parse(String(payload)) as { type: string; data?: { topics: PanelTopic[] } };
      if (frame.type === "panel" && frame.data) heard.push(frame.data.topics);
    });
  });
  return { heard, sockets };
}

describe.skipIf(lane === "postgres")("live numbers in the panel (in one lane: pages do not know the database)", () => {
  const desk = usePanelDesk();
  const deadLetter = async () => {
    const { ctx } = desk().stage.server;
    const id =
      (await ctx.transaction((tx) => enqueue(tx, "figures.nobody_knows", { user_id: desk().stage.anna.id }))) ?? "";
    await parkByHand(ctx, id, "set aside by a test");
    return id;
  };

  test(
    "follow what happens by hints over one socket, which closes with the session",
    async () => {
      const page = await desk().openTab();
      const { heard, sockets } = listen(page);
      await page.goto(await desk().stage.link());
      await page.locator("nav").waitFor();
      await desk().go(page, "queue");
      await until(() => heard.length > 0, "the first hint");
      const before = Number(await factOf(page, "Dead letters").textContent());
      const id = await deadLetter();
      await until(
        async () => (await factOf(page, "Dead letters").textContent()) === String(before + 1),
        "the number grows",
        AT_ONCE_MS,
      );
      await page.getByRole("link", { name: id.slice(-8) }).waitFor({ timeout: AT_ONCE_MS });

      await desk().go(page, "payments");
      const rows = await page.locator("tbody tr").count();
      await desk().stage.buy(desk().stage.hostile);
      await until(async () => (await page.locator("tbody tr").count()) === rows + 1, "the new payment", AT_ONCE_MS);
      await until(
        async () => (await page.locator("tbody tr").first().textContent())?.includes("paid") ?? false,
        "and that it was paid",
        AT_ONCE_MS,
      );

      expect(sockets).toHaveLength(1);
      expect(sockets[0]?.url()).toContain("panel=true");
      expect(sockets[0]?.isClosed()).toBe(false);
      await press(page, "Sign out");
      await until(() => sockets[0]?.isClosed() === true, "the socket closes");
      await page.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "are polled where no socket can be opened",
    async () => {
      const page = await desk().openTab();
      await page.clock.install();
      await page.routeWebSocket(/\/api\/v1\/live/, (socket) => socket.close());
      await page.goto(await desk().stage.link());
      await page.locator("nav").waitFor();
      await desk().go(page, "queue");
      const before = Number(await factOf(page, "Dead letters").textContent());
      await deadLetter();
      await page.clock.runFor(1_000);
      expect(await factOf(page, "Dead letters").textContent()).toBe(String(before));
      await page.clock.runFor(POLL_MS);
      await until(
        async () => (await factOf(page, "Dead letters").textContent()) === String(before + 1),
        "the number grows",
        AT_ONCE_MS,
      );

      // What is not there is not asked for again and again.
      await desk().go(page, "queue/01a00000-0000-7000-8000-000000000000");
      await says(page, "There is no such job in the queue");
      const asked: string[] = [];
      page.on("request", (request) => void (request.url().includes("/queue/jobs/") && asked.push(request.url())));
      await page.clock.runFor(3 * POLL_MS);
      expect(asked).toEqual([]);
      expectOnly(desk().complaints, /404/);
      await page.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a job has a page: why it lies there, whom it is about, running it again and setting it aside",
    async () => {
      const page = await desk().enterPanel();
      const id = await deadLetter();
      await desk().go(page, "queue");
      await page.getByRole("link", { name: id.slice(-8) }).click();
      await says(page, "No running worker knows this kind of job.");
      expect(await factOf(page, "Kind").textContent()).toBe("figures.nobody_knows");
      expect(await factOf(page, "State").textContent()).toBe("set aside");
      expect(await factOf(page, "Why set aside").textContent()).toBe("set aside by a test");
      await press(page, "Run again");
      await confirm(page, "Run again", "try it once more");
      await says(page, "The job runs again");
      await until(async () => (await factOf(page, "State").textContent()) === "waiting", "it waits");
      await press(page, "Set aside");
      await confirm(page, "Set aside", "not now");
      await until(
        async () => (await factOf(page, "Why set aside").textContent()) === "parked by an operator: not now",
        "it is set aside",
      );
      await page.getByRole("link", { name: desk().stage.anna.id.slice(-8) }).click();
      await says(page, "Where credits come from");
      await page.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a draft says how many people it would reach, for each segment",
    async () => {
      const page = await desk().enterPanel();
      const { all, subscribed } = await audiencesOf(desk().stage.server.ctx);
      expect([all.people, subscribed.people]).toEqual([4, 0]);
      expect(all.reachable).toBeGreaterThan(0);
      await desk().go(page, "broadcasts");
      await press(page, "New broadcast");
      const said = () => inDialog(page).getByRole("status").textContent();
      await until(async () => (await said()) === `4 people now; it can reach ${all.reachable}.`, "everybody");
      await inDialog(page).getByLabel("To whom").selectOption("subscribed");
      await becomes(said, "0 people now; it can reach 0.");
      await page.context().close();
    },
    STORY_DEADLINE_MS,
  );

  expectNoComplaints(desk);
});
