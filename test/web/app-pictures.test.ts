import { describe, expect, test } from "bun:test";
import { deletePicture, refusal } from "../support/app-calls.ts";
import { ANNA, BORIS, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, LOOKS, PICTURE_MS_MAX } from "../support/app-tab.ts";
import { expectOnly, NO_NETWORK } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

const CANNOT_WRITE = {
  code: "bot_cannot_write",
  detail: "The bot cannot write to you yet.",
  bot_link: "https://t.me/sandbox_bot?start=app",
};

const tiles = (tab: AppTab) => tab.page.locator("main .grid li");

describe.skipIf(lane === "postgres")("pictures in the Mini App (in one lane: pages do not know the database)", () => {
  let finishedId: string;
  const stage = useAppStage(async (stage) => {
    finishedId = await stage.fitting(ANNA);
  });

  test(
    "the sandbox signs its person in; two tabs are two people, and each sees only what is theirs",
    async () => {
      const anna = await stage().open({ as: ANNA, at: "pictures" });
      const boris = await stage().open({ as: BORIS, at: "pictures" });
      await tiles(anna).first().waitFor();
      expect(await tiles(anna).count()).toBe(1);
      await anna.says("SANDBOX · ");
      await boris.says("Your pictures will be here.");
      expect(await tiles(boris).count()).toBe(0);
      await boris.go(`pictures/${finishedId}`);
      await boris.says("This picture is no longer here.");
      await boris.press("Back");
      await boris.says("Your pictures will be here.");
      await anna.page.reload();
      await tiles(anna).first().waitFor();
      expect(await anna.page.evaluate("localStorage.length + document.cookie.length")).toBe(0);
      // The same tab as somebody else: nothing of hers is used or shown.
      await anna.page.goto(`${stage().server.base}/?sandbox=${BORIS}#/pictures`);
      await anna.says("SANDBOX · Boris");
      await anna.says("Your pictures will be here.");
      expect(anna.complaints).toEqual([]);
      expectOnly(boris.complaints, /404/);
      await anna.close();
      await boris.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a picture is compared, sent to the chat once however often one taps, made again and deleted after a question",
    async () => {
      const tab = await stage().open({ at: "pictures" });
      await tiles(tab).first().locator("a").click();
      const slider = tab.page.getByLabel("Compare before and after");
      await slider.focus();
      await tab.page.keyboard.press("ArrowRight");
      await until(async () => (await slider.inputValue()) === "51", "the line moves");
      await usable(tab, "picture");

      const sends = tab.asked(/\/send$/);
      const goes = gate();
      await tab.page.route("**/send", async (route) => {
        await goes.ended;
        await route.continue();
      });
      const button = tab.page.getByRole("button", { name: "Send to chat" });
      await button.dispatchEvent("click");
      await button.dispatchEvent("click");
      goes.end();
      await tab.says("It is on its way to your chat");
      expect(sends.length).toBe(1);
      // Whoever has not pressed Start in the bot cannot be written to; the way out of that is offered.
      await tab.page.route("**/send", (route) => route.fulfill(refusal(409, CANNOT_WRITE)));
      await button.click();
      await tab.page.getByRole("button", { name: "Open the bot" }).waitFor();
      await tab.says("Request 4711-4711");
      expectOnly(tab.complaints, /409/);

      await tab.page.getByRole("button", { name: "Make it again" }).click();
      await tab.says("You may leave");
      await tab.page.reload();
      await tab.compares();
      await tab.press("Delete");
      await tab.confirm("Delete");
      await tab.says("The picture is deleted.");
      await until(async () => (await tiles(tab).count()) === 1, "one picture is left");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "without a network it says so and goes on by itself; a tap in the meantime is sent once it can be",
    async () => {
      const tab = await stage().open({ at: `pictures/${finishedId}` });
      await tab.compares();
      await tab.offline(true);
      await tab.says("No connection. It will go on by itself.");
      await tab.page.getByRole("button", { name: "Make it again" }).click();
      await tab.says("It will be sent by itself");
      await tab.offline(false);
      await tab.says("You may leave");
      await until(
        async () => (await tab.page.getByText("No connection").count()) === 0,
        "the bar goes when the line is back",
      );
      expect(tab.page.url()).not.toContain(finishedId);
      await tab.compares();
      expectOnly(tab.complaints, NO_NETWORK);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  for (const way of ["by the socket", "by asking again and again where no socket can be"] as const) {
    test(
      `what is ordered elsewhere comes in by itself, ${way}`,
      async () => {
        const tab = await stage().blank();
        if (way !== "by the socket") await tab.page.routeWebSocket(/\/api\/v1\/live/, (socket) => socket.close());
        const polls = tab.asked(/live\/events/);
        await tab.page.goto(`${stage().server.base}/?sandbox=${BORIS}#/pictures`);
        await tab.says("Your pictures will be here.");
        if (way !== "by the socket") await until(() => polls.length > 0, "it asks");
        const before = await tiles(tab).count();
        const id = await stage().fitting(BORIS, { isAwaited: false });
        const tile = tab.page.locator(`main .grid a[href="#/pictures/${id}"]`);
        await tile.waitFor();
        await tile.locator("img").waitFor({ timeout: PICTURE_MS_MAX });
        expect(await tiles(tab).count()).toBe(before + 1);
        expect(tab.complaints).toEqual([]);
        await deletePicture(stage(), BORIS, id);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }

  test(
    "inside Telegram its data signs in, its colours are taken on; too old data says what to do",
    async () => {
      const tab = await stage().blank();
      await tab.page.goto(await stage().telegramAddress());
      await tab.page.getByRole("link", { name: "Pictures" }).click();
      await tiles(tab).first().waitFor();
      expect(tab.page.url()).not.toContain("tgWebAppData");
      expect(await tab.page.locator(".look-dark").count()).toBe(1);
      await usable(tab, "pictures-telegram");
      expect(tab.complaints).toEqual([]);
      await tab.close();

      const late = await stage().blank();
      await late.page.route("**/auth/telegram", (route) => route.fulfill(refusal(401, { code: "init_data_expired" })));
      await late.page.goto(await stage().telegramAddress());
      await late.says("This window is too old");
      await usable(late, "expired");
      await late.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "outside Telegram and the sandbox it says where the app opens, and signs nobody in",
    async () => {
      const tab = await stage().blank();
      const asked = tab.asked(/auth|sandbox/);
      const status = { maintenance: null, sandbox: false, app_link: "https://t.me/atelier_bot/app" };
      await tab.page.route("**/api/v1/status", (route) => route.fulfill({ json: status }));
      await tab.page.goto(`${stage().server.base}/`);
      await tab.page.getByRole("button", { name: "Open in Telegram" }).waitFor();
      await usable(tab, "outside");
      expect(await tab.page.locator(".ribbon").count()).toBe(0);
      expect(asked).toEqual([]);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "terms that are not accepted yet are asked for once, with everything else in reach",
    async () => {
      const tab = await stage().blank();
      let accepted: unknown = null;
      const consent = {
        terms_version: "2",
        terms_url: null,
        accepted_version: null,
        accepted_at: null,
        required: true,
      };
      await tab.page.route("**/api/v1/profile", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), consent } });
      });
      await tab.page.route("**/api/v1/profile/consent", async (route) => {
        accepted = route.request().postDataJSON();
        await route.fulfill({ json: { ...consent, accepted_version: "2", required: false } });
      });
      await tab.page.goto(`${stage().server.base}/?sandbox=${ANNA}#/pictures`);
      await tab.says("Before you begin");
      await tiles(tab).first().waitFor();
      await usable(tab, "terms");
      await tab.press("I accept");
      await tab.page.getByText("Before you begin").waitFor({ state: "detached" });
      expect(accepted).toEqual({ version: "2" });
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test("the sandbox has sample photos, and nothing else lies beside them", async () => {
    for (const name of ["person", "jacket", "tshirt", "sunglasses"]) {
      const sample = await fetch(`${stage().server.base}/sandbox/samples/${name}.png`);
      expect([sample.status, sample.headers.get("content-type")]).toEqual([200, "image/png"]);
      expect(
        Buffer.from(await sample.arrayBuffer())
          .subarray(1, 4)
          .toString(),
      ).toBe("PNG");
    }
    for (const name of ["person", "README.md", "__proto__.png", "%2e%2e%2fserver.ts", "toString.png"]) {
      expect((await fetch(`${stage().server.base}/sandbox/samples/${name}`)).status).toBe(404);
    }
  });

  test(
    "a session that the server has ended is begun anew without a word",
    async () => {
      const tab = await stage().open({ at: "pictures" });
      await tiles(tab).first().waitFor();
      await tab.page.evaluate(`sessionStorage.setItem("atelier.session", '{"access_token":"x","refresh_token":"y"}')`);
      await tab.page.reload();
      await tiles(tab).first().waitFor();
      expectOnly(tab.complaints, /401/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  for (const [colorScheme, locale] of LOOKS) {
    test(
      `the list can be used by everybody: ${colorScheme}, ${locale}`,
      async () => {
        const tab = await stage().open({ as: locale === "ru-RU" ? 1003 : ANNA, at: "pictures", colorScheme, locale });
        await tab.page.locator(".grid:not([role]), .nothing").first().waitFor();
        await usable(tab, `pictures-${colorScheme}`);
        await tab.page.locator("button.ribbon").click();
        await usable(tab, `people-${colorScheme}`);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }
});
