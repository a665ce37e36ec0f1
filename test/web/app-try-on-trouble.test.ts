import { describe, expect, test } from "bun:test";
import type { Route } from "playwright-core";
import { freeActionsUsed, refusal, setFaults, useUpFreeActions } from "../support/app-calls.ts";
import { SAMPLE_FILES, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { screenshot } from "../support/screenshots.ts";
import { chooseFile, chooser, deleteNewest, ordersOf, prepare, ready, tryIt, zone } from "../support/trying-on.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

/** More than the story lasts for. */
const REFUSALS = 1_000;

describe.skipIf(lane === "postgres")(
  "trouble with a try-on in the Mini App (in one lane: pages do not know the database)",
  () => {
    const stage = useAppStage();

    test(
      "a try-on in work is found again after a reload and in a window of its own, and can be cancelled",
      async () => {
        const tab = await stage().open({ as: 2002 });
        await setFaults(stage(), "kie", { "kie.outcome": { mode: "slow", delayMs: STORY_DEADLINE_MS, times: 1 } });
        await prepare(tab, "sandbox:slow");
        // The order arrives; before its answer does, the page is gone.
        let isOrdered = false;
        const lose = async (route: Route) => {
          await route.fetch();
          isOrdered = true;
        };
        await tab.page.route("**/fitting/generate", lose, { times: 1 });
        await tryIt(tab).click();
        await until(() => isOrdered, "the order has arrived");
        await tab.page.reload();
        await tab.says("The picture is being made");
        await tab.press("Start another one");
        await becomes(() => tab.page.getByLabel("How it should be worn").inputValue(), "sandbox:slow");
        await tab.page.getByLabel("How it should be worn").fill("");
        await tab.go("pictures");
        await tab.go("try-on");
        await ready(tab);

        const other = await stage().open({ as: 2002 });
        await other.says("Trying it on");
        await other.press("Cancel");
        await other.says("It is being made already. If it gets ready, it counts.");
        await other.close();
        expect(await freeActionsUsed(stage(), 2002)).toBe(1);

        // The provider is asked for too much and everybody waits in the queue, where nothing has cost anything yet.
        await setFaults(stage(), "kie", { "kie.create": { mode: "code_429", times: REFUSALS } });
        await tryIt(tab).click();
        const struck = async () => (await setFaults(stage(), "kie", {}))["kie.create"]?.times !== REFUSALS;
        await until(struck, "the provider has refused it");
        // A place in the queue has no event of its own; the page would ask for it within seconds.
        await tab.page.reload();
        await tab.says(/In the queue: number \d/);
        await usable(tab, "in-queue");
        await tab.press("Cancel");
        await tab.says("Cancelled");
        await tab.says("You were not charged.");
        await setFaults(stage(), "kie", { "kie.create": null });
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "an upload and an order go on by themselves when the network comes back, and are done once",
      async () => {
        const tab = await stage().open({ as: 2003 });
        const orders = ordersOf(tab);
        await tab.offline(true);
        await chooseFile(tab, "Photo of you", SAMPLE_FILES.person);
        await tab.says("The upload will go on by itself");
        await tab.offline(false);
        await chooser(tab, "Photo of you").getByRole("button", { name: "Remove" }).waitFor();
        await tab.slow(true);
        const arrives = gate();
        await tab.page.route(
          "**/fitting/upload",
          async (route) => {
            await arrives.ended;
            await route.continue();
          },
          { times: 1 },
        );
        await chooseFile(tab, "Photo of the item", SAMPLE_FILES.sunglasses);
        await chooser(tab, "Photo of the item").getByRole("progressbar").waitFor();
        await tab.page.getByRole("button", { name: "Accessories" }).click();
        await zone(tab, "Face").check();
        await tab.page.getByRole("button", { name: "Uploading…" }).waitFor();
        arrives.end();
        await ready(tab);
        await tab.slow(false);

        // The order arrives, its answer does not; then there is no network for a while.
        const lose = async (route: Route) => {
          await route.fetch();
          await tab.offline(true);
          await route.abort("connectionreset");
        };
        await tab.page.route("**/fitting/generate", lose, { times: 1 });
        await tryIt(tab).click();
        await tab.says("It will be sent by itself");
        await tab.offline(false);
        await tab.compares();
        expect(new Set(orders.map(({ key }) => key)).size).toBe(1);
        expect(orders.length).toBeGreaterThan(1);
        expect(await freeActionsUsed(stage(), 2003)).toBe(1);

        // A picture that was deleted elsewhere makes room for the next one.
        await deleteNewest(stage(), 2003);
        await tab.page.reload();
        await chooser(tab, "Photo of the item").getByRole("img").waitFor();
        await becomes(() => zone(tab, "Face").isChecked(), true);
        expectOnly(tab.complaints, /ERR_|WebSocket|404/);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "what does not work out costs nothing and keeps what was chosen",
      async () => {
        const tab = await stage().open({ as: 2004 });
        await prepare(tab, "sandbox:moderated");
        await tryIt(tab).click();
        await tab.says("It did not work out", PICTURE_MS_MAX);
        await tab.says("You were not charged.");
        await screenshot(tab.page, "failed");
        expect(await freeActionsUsed(stage(), 2004)).toBe(0);
        await tab.press("Change something");
        await becomes(() => zone(tab, "Outerwear").isChecked(), true);
        await tab.page.getByLabel("How it should be worn").fill("");

        // Photos that the server has deleted meanwhile are sent again from what the page still has.
        const gone = { code: "photo_expired", detail: "The photo is no longer there." };
        await tab.page.route("**/fitting/generate", (route) => route.fulfill(refusal(410, gone)));
        const uploads = tab.asked(/\/fitting\/upload$/);
        await tryIt(tab).click();
        await tab.says("The photo is no longer there.");
        await tab.says("You were not charged.");
        await ready(tab);
        expect(uploads.length).toBe(2);
        const busy = { code: "generation_unavailable", detail: "No pictures are made now." };
        await tab.page.unroute("**/fitting/generate");
        await tab.page.route("**/fitting/generate", (route) => route.fulfill(refusal(503, busy)));
        await tryIt(tab).click();
        await tab.says("No pictures are made now.");
        // However far down the page it stands, it is brought before the eyes.
        await until(async () => {
          const place = await tab.page.locator(".notice").boundingBox();
          const button = await tab.page.locator(".main-button").boundingBox();
          return place !== null && button !== null && place.y > 44 && place.y + place.height <= button.y;
        }, "it stands between the top and the button");
        await tab.says("Request 4711-4711");
        expectOnly(tab.complaints, /410|503/);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );

    test(
      "who has nothing left learns what there is, when it renews and where to get more, and comes back to the same photos",
      async () => {
        const tab = await stage().open({ as: 2005, viewport: SMALL_PHONE });
        await prepare(tab);
        await useUpFreeActions(stage(), 2005);
        await tab.says("Not enough credits");
        await tab.says("A try-on costs 2 credits. You have 0 credits.");
        await tab.says(/10 free actions come back on \d+ \w+ at \d\d:00\./);
        expect(await tryIt(tab).count()).toBe(0);
        await usable(tab, "out-of-credits");
        await tab.go("pictures");
        await tab.page.reload();
        await tab.go("try-on");
        await tab.says("Not enough credits");
        for (const name of ["Photo of you", "Photo of the item"]) await chooser(tab, name).getByRole("img").waitFor();
        await becomes(() => zone(tab, "Outerwear").isChecked(), true);
        // Somebody else in the same tab finds none of it.
        await tab.page.goto(`${stage().server.base}/?sandbox=2006`);
        await tab.says("Add your photo");
        await becomes(() => tab.page.evaluate("sessionStorage.getItem('atelier.kept')"), null);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  },
);
