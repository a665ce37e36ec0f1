import { describe, expect, test } from "bun:test";
import { freeActionsUsed, sessionsOf, setFaults, useUpFreeActions } from "../support/app-calls.ts";
import {
  BRISK,
  choose,
  field,
  links,
  offered,
  pictures,
  say,
  setPace,
  spoken,
  UNHURRIED,
  withPhoto,
} from "../support/app-editing.ts";
import { BORIS, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { PICTURE_MS_MAX } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { becomes, until } from "../support/until.ts";
import { fits, usable } from "../support/usable.ts";

describe.skipIf(lane === "postgres")(
  "trouble with editing in the Mini App (in one lane: pages do not know the database)",
  () => {
    const stage = useAppStage(setPace);

    test(
      "without a network in mid-answer it says so; back again the answer stands there, charged once",
      async () => {
        await setFaults(stage(), "openrouter", UNHURRIED);
        const tab = await withPhoto(stage(), { as: BORIS });
        await say(tab, "make the jacket blue");
        await until(async () => /Three ways/.test(await spoken(tab)), "the first words");
        await tab.offline(true);
        await tab.says("The answer will be here when it is back.");
        await fits(tab, "edit-offline");
        await until(
          async () => ((await sessionsOf(stage(), BORIS))[0]?.message_count ?? 0) === 2,
          "it is answered meanwhile",
        );
        await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
        await tab.offline(false);
        await offered(tab);
        await becomes(() => tab.page.locator(".bubble-mine").count(), 1);
        await becomes(() => tab.page.locator(".bubble-theirs").count(), 1);
        expect([await freeActionsUsed(stage(), BORIS), (await sessionsOf(stage(), BORIS)).length]).toEqual([1, 1]);

        // What is said without a network goes out by itself; an order whose answer is lost is sent again as the same one.
        await tab.offline(true);
        await say(tab, "and the sky green");
        await tab.says("The answer will be here when it is back.");
        await tab.offline(false);
        await offered(tab);
        let lost = 0;
        await tab.page.route("**/editing/generate", async (route) => {
          if (lost > 0) return route.continue();
          lost += 1;
          await route.fetch();
          return route.abort();
        });
        await choose(tab, 2);
        await tab.compares();
        await becomes(() => pictures(tab).count(), 1);
        expect([lost, await freeActionsUsed(stage(), BORIS)]).toEqual([1, 3]);
        expectOnly(tab.complaints, /ERR_|WebSocket/);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "a reload in mid-answer and in mid-picture loses nothing; it goes on where it was",
      async () => {
        await setFaults(stage(), "openrouter", UNHURRIED);
        const tab = await withPhoto(stage(), { as: 1004 });
        await say(tab, "make the jacket green");
        await until(async () => (await spoken(tab)) !== "", "the first words");
        await tab.page.reload();
        await offered(tab);
        await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
        await becomes(() => tab.page.locator(".bubble-mine").count(), 1);
        await choose(tab, 0);
        await tab.says("You may leave");
        await tab.page.reload();
        await tab.compares();
        expect(await freeActionsUsed(stage(), 1004)).toBe(2);

        // In a window that knows nothing of it the conversation is found in the list.
        await tab.page.evaluate("sessionStorage.removeItem('atelier.edit')");
        await tab.page.reload();
        await tab.says("Earlier chats");
        await fits(tab, "edit-start-again");
        await tab.page.locator(".rows button").first().click();
        await until(async () => (await links(tab).count()) === 2, "photo and picture");
        await tab.page.getByRole("link", { name: "Open the picture" }).click();
        await tab.page.getByRole("button", { name: "Send to chat" }).waitFor();
        const { pathname, hash } = new URL(tab.page.url());
        expect(pathname + hash).toStartWith("/#/pictures/");

        // A picture of its own begins a conversation when it lies in none that is open.
        await tab.page.evaluate("sessionStorage.removeItem('atelier.edit')");
        await tab.page.reload();
        await tab.page.getByRole("button", { name: "Change something in it" }).click();
        await until(async () => tab.page.url().endsWith("#/edit"), "the address says no more than where one is");
        await tab.says("What shall we change?");
        await say(tab, "sandbox:moderated");
        await offered(tab);
        expect([await links(tab).count(), (await sessionsOf(stage(), 1004)).length]).toEqual([1, 2]);
        await choose(tab, 0);
        await tab.page.getByRole("button", { name: "Try it again" }).waitFor({ timeout: PICTURE_MS_MAX });
        await tab.says("You were not charged.");
        await usable(tab, "edit-not-made");
        expect(await freeActionsUsed(stage(), 1004)).toBe(3);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "what cannot be answered costs nothing and gives the words back; without credits it is said what to do",
      async () => {
        const tab = await withPhoto(stage(), { as: 1005 });
        await setFaults(stage(), "openrouter", { "openrouter.answer": { mode: "two_variants" } });
        await say(tab, "make it colder");
        await tab.page.locator(".notice").waitFor();
        await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
        await tab.says(/not charged/);
        await becomes(() => field(tab).inputValue(), "make it colder");
        await fits(tab, "edit-not-answered");
        await say(tab, "порно");
        await until(async () => (await field(tab).inputValue()) === "порно", "the words are back");
        await tab.page.locator(".notice").waitFor();
        expect(await freeActionsUsed(stage(), 1005)).toBe(0);
        await useUpFreeActions(stage(), 1005);
        await tab.page.getByText("credit", { exact: false }).first().waitFor();
        await say(tab, "make it warmer");
        await tab.page.locator(".notice").waitFor();
        await fits(tab, "edit-no-credits");
        await becomes(() => field(tab).inputValue(), "make it warmer");
        // Whoever looks elsewhere finds photo and words again.
        await tab.page.locator("nav.tabs").getByText("Pictures").click();
        await tab.says("Your pictures will be here.");
        await tab.page.locator("nav.tabs").getByText("Edit").click();
        await becomes(() => field(tab).inputValue(), "make it warmer");
        await becomes(() => links(tab).count(), 1);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  },
);
