import { describe, expect, test } from "bun:test";
import { talk } from "../support/app-calls.ts";
import { STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { onPayPage, payHere, shoppingOn, title } from "../support/shopping.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

interface SubscriptionSeen {
  subscription: {
    type: string;
    auto_renew: boolean;
    method: { title: string | null } | null;
    next_plan: { type: string } | null;
  } | null;
}

const dialog = (tab: AppTab) => tab.page.getByRole("dialog");

describe.skipIf(lane === "postgres")(
  "plans and history in the Mini App (in one lane: pages do not know the database)",
  () => {
    const stage = useAppStage();
    const shopping = shoppingOn(stage);
    const subscriptionOf = async (personId: number) =>
      (await shopping().get<SubscriptionSeen>(personId, "/subscription")).subscription;
    /** A picture that the provider refuses, ordered without the page; ends when it has failed. */
    async function failEdit(personId: number, generationId: string): Promise<void> {
      const headers = await stage().signIn(personId);
      const body = JSON.stringify({ generation_id: generationId, prompt: "sandbox:moderated" });
      const answer = await fetch(`${stage().server.base}/api/v1/editing/generate`, { method: "POST", headers, body });
      expect(answer.status).toBe(202);
      const { id } = (await answer.json()) as { id: string };
      const statusOf = async () => (await shopping().get<{ status: string }>(personId, `/generations/${id}`)).status;
      await until(async () => (await statusOf()) === "failed", "the edit fails", PICTURE_MS_MAX);
    }

    test(
      "a plan is bought with a card that is saved, its renewal is switched off and on, the card is forgotten",
      async () => {
        const person = 3001;
        const tab = await stage().open({ as: person, at: "shop", viewport: SMALL_PHONE });
        await tab.press(/^Pro,/);
        const consent = dialog(tab).getByRole("checkbox");
        expect(await consent.isChecked()).toBe(false);
        await consent.check();
        await tab.confirm(/^Pay/);
        await onPayPage(tab);
        await tab.says("Способ оплаты будет сохранён");
        await payHere(tab);
        await title(tab, "Paid: Pro");
        expect(await shopping().credits(person)).toBe(140);
        await tab.page.getByRole("link", { name: "To the shop" }).click();
        await tab.says(/^Pro until /);
        await tab.says("140 credits of the plan left");
        await tab.says(/Renews by itself: .* from .*4444/);
        await usable(tab, "subscription");

        await tab.press("Stop renewing");
        await usable(tab, "subscription-stop");
        await tab.confirm("Cancel");
        expect((await subscriptionOf(person))?.auto_renew).toBe(true);
        await tab.press("Stop renewing");
        await tab.confirm("Stop renewing");
        await tab.says("the card is still saved");
        expect(await subscriptionOf(person)).toMatchObject({ type: "pro", auto_renew: false });
        await tab.press("Renew by itself");
        await tab.says(/Renews by itself: /);
        expect((await subscriptionOf(person))?.auto_renew).toBe(true);

        await tab.press("Forget the card");
        await tab.confirm("Forget the card");
        await tab.says("Pay for another month whenever you like.");
        expect(await subscriptionOf(person)).toMatchObject({ type: "pro", auto_renew: false, method: null });
        expect(await tab.page.getByRole("button", { name: "Renew by itself" }).count()).toBe(0);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "a cheaper plan waits for the end and can be taken back; a dearer one says what is counted, and begins when it is paid",
      async () => {
        const person = 3002;
        const first = await shopping().order(person, "pro");
        await shopping().pay(person, first.id);
        const tab = await stage().open({ as: person, at: "shop", viewport: SMALL_PHONE });
        await until(async () => (await shopping().credits(person)) === 140, "the plan is paid");
        await tab.says(/^Pro until /);
        await tab.press(/^Basic,/);
        await dialog(tab).getByText("Nothing to pay now.").waitFor();
        expect(await dialog(tab).getByRole("checkbox").count()).toBe(0);
        await tab.confirm("Change then");
        await tab.says(/After that: Basic/);
        expect(await subscriptionOf(person)).toMatchObject({ type: "pro", next_plan: { type: "basic" } });
        await tab.press("Keep Pro");
        await tab.page.getByText(/After that: Basic/).waitFor({ state: "detached" });
        await becomes(async () => (await subscriptionOf(person))?.next_plan, null);

        await tab.press(/^Premium,/);
        await dialog(tab)
          .getByText(/is unused and counts: you pay/)
          .waitFor();
        await tab.confirm(/^Pay/);
        await onPayPage(tab);
        await payHere(tab);
        await title(tab, "Paid: Premium");
        expect(await subscriptionOf(person)).toMatchObject({ type: "premium", auto_renew: false });
        const amounts = (await shopping().payments(person)).map(({ product, amount }) => [product, Number(amount)]);
        // What was unused of the first plan is not paid again.
        expect(amounts[0]?.[0]).toBe("premium");
        expect(Number(amounts[0]?.[1])).toBeLessThan(1490 - 600);
        expect(await shopping().credits(person)).toBe(350);
        await tab.go("history");
        await tab.says("Counted or taken back with a change of plan");
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "a promo code gives what it says, once; a wrong one says so",
      async () => {
        const person = 3003;
        // There is no way over HTTP to make a code: the owner does it by a command beside the running server.
        await stage().server.command(["promo", "create", "--credits", "20", "--code", "SPRING2026", "--uses", "5"]);
        const tab = await stage().open({ as: person, at: "shop" });
        const field = tab.page.getByLabel("Code", { exact: true });
        await field.fill("nothing-such");
        await tab.press("Use it");
        await tab.says("There is no such code.");
        await usable(tab, "promo-unknown");
        await field.fill("spring 2026");
        await tab.offline(true);
        await tab.press("Use it");
        await tab.says("It will be sent by itself");
        await tab.offline(false);
        await tab.says("20 credits are yours.");
        await tab.page.locator(".purse-credits").getByText("20 credits").waitFor();
        expect(await shopping().credits(person)).toBe(20);
        await field.fill("SPRING2026");
        await tab.press("Use it");
        await tab.says("You have already used this code.");
        expect(await shopping().credits(person)).toBe(20);
        expectOnly(tab.complaints, /404|409|ERR_INTERNET_DISCONNECTED|WebSocket/);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "the history shows charge and return side by side, and a refund of the money as it comes",
      async () => {
        const person = 3004;
        const pack = await shopping().order(person, "pack_20");
        await shopping().pay(person, pack.id);
        const [id] = await Promise.all([stage().fitting(person), talk(stage(), person, 9)]);
        await until(async () => (await shopping().credits(person)) === 20, "the pack is paid");
        await failEdit(person, id);
        const tab = await stage().open({ as: person, at: "history", viewport: SMALL_PHONE });
        await tab.page.locator(".line", { hasText: "Edit" }).getByText("returned: +1").waitFor();
        await tab.page
          .locator(".line", { hasText: "Edit" })
          .getByText(/^[-−]1$/)
          .waitFor();
        await tab.page.locator(".line", { hasText: "Pack bought" }).getByText("+20").waitFor();
        await becomes(() => tab.page.locator(".line", { hasText: "free action" }).count(), 10);
        await becomes(() => tab.page.locator(".line").count(), 12);

        await tab.press("Payments");
        await tab.page.locator("main .row").getByText("paid").waitFor();
        await shopping().refund(pack, "74.50");
        await tab.page
          .locator("main .row")
          .getByText(/returned: .*74\.50/)
          .waitFor();
        await tab.page.locator("main .row").click();
        await tab.says(/74\.50.* went back to you/);
        await tab.press("Back");
        await tab.press("Credits");
        await tab.page
          .locator(".line", { hasText: "Taken back with a refund" })
          .getByText(/^[-−]10$/)
          .waitFor();
        expect(await shopping().credits(person)).toBe(10);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  },
);
