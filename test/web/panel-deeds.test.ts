import { beforeAll, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import {
  confirm,
  expectNoComplaints,
  factOf,
  inDialog,
  press,
  STAGE_DEADLINE_MS,
  STORY_DEADLINE_MS,
  says,
  usePanelDesk,
  WAIT_MS,
} from "../support/panel-desk.ts";
import { HOSTILE_NAME } from "../support/panel-stage.ts";
import { until } from "../support/until.ts";

describe.skipIf(lane === "postgres")(
  "what an operator does in the panel (in one lane: pages do not know the database)",
  () => {
    const desk = usePanelDesk();
    let page: Page;
    beforeAll(async () => {
      page = await desk().enterPanel();
    }, STAGE_DEADLINE_MS);

    test(
      "finds a person, grants with a reason, and the journal shows both",
      async () => {
        await desk().go(page, "people");
        await page.getByLabel("Search").fill("@anna");
        await until(async () => (await page.locator("tbody tr").count()) === 1, "the search leaves one");
        await page.getByRole("link", { name: "Анна" }).click();
        await says(page, "60 / 60");
        await press(page, "Grant credits");
        const grant = inDialog(page).getByRole("button", { name: "Grant credits", exact: true });
        await inDialog(page).getByLabel("Credits").fill("21");
        expect(await grant.isDisabled()).toBe(true);
        await inDialog(page).getByLabel("Reason").fill("ticket 4711");
        await grant.click();
        await says(page, "21 credits were granted");
        await until(async () => (await factOf(page, "Credits").textContent()) === "81", "the card shows 81 credits");
        await desk().go(page, "audit");
        const row = page.locator("tbody tr").filter({ hasText: "credits granted" });
        await row.first().waitFor();
        expect(await row.count()).toBe(1);
        expect(await row.textContent()).toContain("ticket 4711");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "blocks a person and lets them in again; their name stays text",
      async () => {
        await desk().go(page, `people/${desk().stage.hostile.id}`);
        expect(await page.locator("h1").textContent()).toBe(HOSTILE_NAME);
        expect(await page.locator("main img").count()).toBe(0);
        await press(page, "Block");
        await confirm(page, "Block", "spam");
        await says(page, "The person is blocked");
        const refused = await fetch(`${desk().stage.server.base}/api/v1/balance`, {
          headers: desk().stage.hostile.headers,
        });
        expect(refused.status).not.toBe(200);
        await press(page, "Let in again");
        await confirm(page, "Let in again", "it was a mistake");
        await says(page, "The person may come in again");
        expect(await page.title()).not.toBe("hacked");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "marks a sale as registered",
      async () => {
        await desk().go(page, "tax");
        await press(page, "Mark registered");
        await inDialog(page).getByLabel("Receipt").fill("20ab3kq9zx");
        await confirm(page, "Mark registered", "done by hand");
        await says(page, "The sale is marked as registered");
        await says(page, "20ab3kq9zx");
        const row = page.locator("tbody tr").first();
        await until(async () => /registered/.test((await row.textContent()) ?? ""), "the row says so too");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "refunds half after its consequences were shown, and they come true",
      async () => {
        await desk().go(page, `payments/${desk().stage.paymentId}`);
        await press(page, "Refund");
        await inDialog(page).getByLabel("How much, roubles").fill("199.50");
        const preview = inDialog(page).locator("dl");
        await until(async () => (await preview.textContent())?.includes("7.98") ?? false, "the preview for half");
        const shown = async (name: string) => (await factOf(page, name).textContent())?.replace(/[^\d.→]/g, "");
        const inPreview = (name: string) => preview.locator(`dt:text-is("${name}") + dd`).textContent();
        expect((await inPreview("Stays paid"))?.replace(/[^\d.]/g, "")).toBe("199.50");
        expect(await inPreview("Credits taken back")).toBe("30");
        expect(await inPreview("Credits used, kept")).toBe("0");
        expect((await inPreview("Tax"))?.replace(/[^\d.→]/g, "")).toBe("15.96→7.98");
        await inDialog(page).getByLabel("Reason").fill("half was not needed");
        await inDialog(page)
          .getByRole("button", { name: /^Refund .*199/ })
          .click();
        await says(page, "goes back to the payer");
        await until(async () => (await shown("Refunded")) === "199.50", "the card shows the refund", WAIT_MS);
        await until(async () => {
          await page.reload();
          await says(page, "Refunds");
          return (await factOf(page, "Credits").textContent()) === "30 / 60";
        }, "half of the credits are gone");
        expect(await shown("Tax")).toBe("7.98");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "runs a dead letter again",
      async () => {
        await desk().go(page, "queue");
        await until(async () => (await factOf(page, "Dead letters").textContent()) === "1", "one dead letter");
        await press(page, "Run again");
        await confirm(page, "Run again", "try it once more");
        await says(page, "The job runs again");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "begins maintenance with a notice, and ends it",
      async () => {
        await desk().go(page, "server");
        await press(page, "Begin maintenance");
        await inDialog(page).getByLabel("Text in Russian").fill("Переезжаем.");
        await confirm(page, "Begin maintenance", "a new server");
        await says(page, "New pictures are refused");
        const status = await fetch(`${desk().stage.server.base}/api/v1/status`);
        expect(await status.json()).toMatchObject({ maintenance: { notice: expect.any(String) } });
        await press(page, "End maintenance");
        await confirm(page, "End maintenance", "moved");
        await says(page, "Off: new pictures are taken.");
      },
      STORY_DEADLINE_MS,
    );

    test(
      "drafts a broadcast, tries it on oneself, starts it",
      async () => {
        await desk().go(page, "broadcasts");
        await press(page, "New broadcast");
        await inDialog(page).getByLabel("Text in Russian").fill("Новая зона примерки");
        await inDialog(page).getByLabel("Text in English").fill("A new <b>zone</b>");
        await confirm(page, "Save draft", "spring news");
        await says(page, "A new <b>zone</b>");
        const start = page.getByRole("button", { name: "Start", exact: true });
        expect(await start.isDisabled()).toBe(true);
        await press(page, "Send to me");
        await confirm(page, "Send to me", "to look at it");
        await says(page, "It is on its way to you");
        await until(async () => !(await start.isDisabled()), "it may start", WAIT_MS);
        await start.click();
        await confirm(page, "Start", "looked at it");
        await says(page, "The broadcast has started");
        await factOf(page, "Messages").waitFor();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "saves an export that only the signed-in may have",
      async () => {
        await desk().go(page, "payments");
        const [saved] = await Promise.all([page.waitForEvent("download"), press(page, "Download CSV")]);
        expect(saved.suggestedFilename()).toBe("payments.csv");
        const bytes = await Bun.file(await saved.path()).text();
        expect(bytes).toContain("pack_60");
        expect(bytes.split("\n").length).toBeGreaterThan(1);
      },
      STORY_DEADLINE_MS,
    );

    test(
      "says what went wrong, what to do and the number of the request; a lost network too",
      async () => {
        await desk().go(page, `people/${desk().stage.anna.id}`);
        await page.route("**/api/v1/admin/people/*/message", (route) => route.abort());
        await press(page, "Message");
        await inDialog(page).getByLabel("Text").fill("Hello");
        await confirm(page, "Send", "only a test");
        await says(page, "No answer came");
        await page.unroute("**/api/v1/admin/people/*/message");
        await page.keyboard.press("Escape");
        await inDialog(page).waitFor({ state: "detached" });
        await page.goto(`${desk().stage.server.base}/admin#/people/01a00000-0000-7000-8000-000000000000`);
        await says(page, /^Request [0-9a-z-]{8,}/i);
        expectOnly(desk().complaints, /404|ERR_FAILED/);
      },
      STORY_DEADLINE_MS,
    );

    expectNoComplaints(desk);
  },
);
