import { describe, expect, test } from "bun:test";
import { creditsOf, refusal } from "../support/app-calls.ts";
import { ANNA, BORIS, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, LOOKS, PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { expectOnly, NO_NETWORK } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

const VERA = 1003;
/** Where nobody has come yet. */
const LONER = 1010;

const REFERRAL = { id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", credits: 0, created_at: "2026-11-20T10:00:00.000Z" };
const EVERY_STATE = [
  { ...REFERRAL, state: "waiting" },
  { ...REFERRAL, state: "rewarded", credits: 10, rewarded_at: "2026-11-21T10:00:00.000Z" },
  { ...REFERRAL, state: "reversed" },
  { ...REFERRAL, state: "declined", decline_reason: "daily_cap" },
  { ...REFERRAL, state: "declined", decline_reason: "inviter_banned" },
  { ...REFERRAL, state: "declined", decline_reason: "person_left" },
].map((one, at) => ({ ...one, id: `${one.id.slice(0, -1)}${at}` }));

/** What the page says that invitations have brought: who came, with a reward, credits. */
const sums = (tab: AppTab) => tab.page.locator(".friends-sums dd").allInnerTexts();
const linkOf = async (tab: AppTab) => (await tab.page.locator(".friends-address").textContent()) ?? "";

describe.skipIf(lane === "postgres")("friends in the Mini App (in one lane: pages do not know the database)", () => {
  const stage = useAppStage();

  test(
    "Anna shares, Boris comes by her link and has a picture made: she sees it without a reload, once, and also after a break",
    async () => {
      const anna = await stage().open({ as: ANNA, at: "friends", viewport: SMALL_PHONE });
      await anna.says("You get 10 credits when a friend who came by your link has their first picture made.");
      await anna.says("Nobody has come by your link yet.");
      const link = await linkOf(anna);
      const [, code = ""] = /^https:\/\/t\.me\/\w+\/app\?startapp=ref_([\w-]+)$/.exec(link) ?? [];
      expect(code).not.toBe("");
      await anna.page.evaluate("window.isSamePage = true");

      // A tab of his own, as the sandbox offers it.
      const [boris] = await Promise.all([
        anna.context.waitForEvent("page"),
        anna.page.getByRole("link", { name: "Boris" }).click(),
      ]);
      await boris.getByText("SANDBOX · Boris").waitFor();
      expect(boris.url()).toContain(`sandbox=${BORIS}&startapp=ref_${code}`);
      await boris.locator("nav.tabs").waitFor();
      expect(await creditsOf(stage(), ANNA)).toBe(0);

      // It is said in passing, so whoever looks only afterwards may be late.
      const told = anna.says("+10 credits for a friend who came by your link", PICTURE_MS_MAX);
      await Promise.all([stage().fitting(BORIS), told]);
      await until(async () => (await sums(anna)).join() === "1,1,10", "the sums follow");
      await anna.says("Rewarded");
      expect(await anna.page.evaluate("window.isSamePage")).toBe(true);
      // Neither who it was, nor anything for him.
      expect(await anna.page.locator("main .rows").textContent()).not.toContain("Boris");
      expect([await creditsOf(stage(), ANNA), await creditsOf(stage(), BORIS)]).toEqual([10, 0]);

      await anna.offline(true);
      await anna.says("No connection. It will go on by itself.");
      const vera = await stage().open({ as: VERA, startParam: `ref_${code}` });
      await stage().fitting(VERA);
      await anna.offline(false);
      await until(async () => (await sums(anna)).join() === "2,2,20", "what came meanwhile is there", PICTURE_MS_MAX);
      expect(await creditsOf(stage(), ANNA)).toBe(20);
      await usable(anna, "friends-rewarded");
      expectOnly(anna.complaints, NO_NETWORK);
      expect(vera.complaints).toEqual([]);
      await vera.close();
      await anna.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a link is shared by Telegram's own page and copied, where the browser lets it by itself and where it does not",
    async () => {
      const tab = await stage().open({ as: LONER, at: "friends", viewport: SMALL_PHONE });
      await tab.context.route("https://t.me/**", (route) => route.fulfill({ body: "Telegram" }));
      const link = await linkOf(tab);
      const [share] = await Promise.all([tab.context.waitForEvent("page"), tab.press("Invite a friend")]);
      await share.waitForURL(/t\.me/);
      const address = new URL(share.url());
      expect([address.origin, address.pathname]).toEqual(["https://t.me", "/share/url"]);
      expect(address.searchParams.get("url")).toBe(link);
      expect(address.searchParams.get("text")).toContain("right in Telegram");
      expect(address.search).not.toContain("+");
      await share.close();

      await tab.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await tab.page.bringToFront();
      await tab.press("Copy the link");
      await tab.says("The link is copied.");
      expect(await tab.page.evaluate("navigator.clipboard.readText()")).toBe(link);
      // Without it, by the older way; and where that is shut too, it is said how.
      await tab.page.evaluate(`
        Object.defineProperty(navigator, "clipboard", { value: undefined });
        addEventListener("copy", () => { window.copied = String(getSelection()) || document.activeElement.value; });`);
      await tab.press("Copy the link");
      await until(async () => (await tab.page.evaluate("window.copied")) === link, "it is copied by selection");
      await tab.page.evaluate("document.execCommand = () => false");
      await tab.press("Copy the link");
      await tab.says("Hold the link to copy it yourself");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a slow network shows that it waits; a failure says what to do; what the owner gives is said as it is set",
    async () => {
      const tab = await stage().blank({ viewport: SMALL_PHONE });
      const referrals = "**/api/v1/referrals*";
      await tab.page.route(referrals, (route) => route.fulfill(refusal(500)));
      await tab.page.goto(`${stage().server.base}/?sandbox=${LONER}#/friends`);
      await tab.says("It broke.");
      await tab.says("Request 4711-4711");
      await usable(tab, "friends-failed");
      expectOnly(tab.complaints, /500/);
      const answer = { code: "abc", link: null, invited: 6, rewarded: 1, credits_earned: 10, next_cursor: null };
      await tab.page.unroute(referrals);
      await tab.page.route(referrals, (route) =>
        route.fulfill({ json: { ...answer, reward: { credits: 0, on: "signup" }, items: [] } }),
      );
      await tab.press("Try again");
      await tab.says("There are no rewards for invitations at the moment.");
      await tab.says("there is nothing to share");
      expect(await tab.page.getByRole("button", { name: "Invite a friend" }).count()).toBe(0);
      await tab.page.unroute(referrals);
      await tab.page.route(referrals, (route) =>
        route.fulfill({ json: { ...answer, reward: { credits: 1, on: "first_payment" }, items: EVERY_STATE } }),
      );
      await tab.page.reload();
      await tab.says("You get 1 credit when a friend who came by your link buys something for the first time.");
      for (const text of [
        "No purchase yet",
        "Rewarded",
        "The purchase was given back",
        "that day's were all given",
        "Left before it counted",
      ]) {
        await tab.says(text);
      }
      await usable(tab, "friends-states");
      await tab.page.unroute(referrals);
      const answers = gate();
      await tab.page.route(referrals, async (route) => {
        await answers.ended;
        await route.continue();
      });
      await tab.slow(true);
      await tab.page.reload();
      await tab.page.getByRole("status").getByText("Loading").first().waitFor();
      answers.end();
      await tab.slow(false);
      await tab.says("Nobody has come by your link yet.");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  for (const [colorScheme, locale] of LOOKS) {
    test(
      `friends and more can be used by everybody: ${colorScheme}, ${locale}`,
      async () => {
        const as = locale === "ru-RU" ? 1011 : LONER;
        const tab = await stage().open({ as, at: "friends", viewport: SMALL_PHONE, colorScheme, locale });
        await tab.page.locator(".friends-sums").waitFor();
        await usable(tab, `friends-${colorScheme}-${locale}`);
        await tab.go("more");
        await tab.page.locator("main .person").waitFor();
        await usable(tab, `more-${colorScheme}-${locale}`);
        await tab.page.locator("button.ribbon").click();
        await usable(tab, `people-${colorScheme}-${locale}`);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }
});
