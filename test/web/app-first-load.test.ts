import { describe, expect, test } from "bun:test";
import type { CDPSession } from "playwright-core";
import { ANNA, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import type { AppTab } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { becomes, until } from "../support/until.ts";

const FIRST_LOAD_BYTES_MAX = 200_000;
/** The goal is a second, judged where the machine does nothing else (`TIMED=1`); a whole gate beside it makes it a matter of luck. */
const USABLE_MS_MAX = process.env.TIMED === undefined ? 5_000 : 1_000;
const USABLE_TRIES = 5;
const SLOWER = 4;
/** What the page and its parts are, of all that comes over the wire. */
const PARTS: ReadonlySet<string> = new Set(["Document", "Script", "Stylesheet", "Font"]);
/** Of what a whole visit has at least one each. */
const VISIT = ["Document", "Script", "Stylesheet", "Fetch", "Image", "WebSocket"];

interface Heard {
  address: string;
  type: string;
  encoding: string;
  /** Over the wire, with the head of the answer. */
  bytes: number;
}

/** Everything that a tab asks for, counted by the browser itself. */
async function listen(tab: AppTab): Promise<() => Heard[]> {
  const ears: CDPSession = await tab.context.newCDPSession(tab.page);
  const heard = new Map<string, Heard>();
  ears.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
    heard.set(requestId, { address: request.url, type: type ?? "", encoding: "", bytes: 0 });
  });
  ears.on("Network.webSocketCreated", ({ requestId, url }) => {
    heard.set(requestId, { address: url, type: "WebSocket", encoding: "", bytes: 0 });
  });
  ears.on("Network.responseReceived", ({ requestId, response }) => {
    const one = heard.get(requestId);
    const name = Object.keys(response.headers).find((header) => header.toLowerCase() === "content-encoding");
    if (one && name) one.encoding = response.headers[name] ?? "";
  });
  ears.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const one = heard.get(requestId);
    if (one) one.bytes = encodedDataLength;
  });
  await ears.send("Network.enable");
  return () => [...heard.values()];
}

/** Every place that a tab of the bar or a row of "More" leads to. */
async function places(tab: AppTab): Promise<string[]> {
  const linksIn = (where: string): Promise<string[]> =>
    tab.page.evaluate(`[...document.querySelectorAll("${where} a")].map((link) => link.getAttribute("href"))`);
  const tabs = await linksIn("nav.tabs");
  if (!tabs.includes("#/more")) return tabs;
  await tab.page.locator('nav.tabs a[href="#/more"]').click();
  await tab.page.locator("main .person").waitFor();
  return [...tabs, ...(await linksIn("main .rows"))];
}

/** What was measured, for whoever wants to see it. */
const note = (text: string) => process.env.SIZES && process.stderr.write(`${text}\n`);

describe.skipIf(lane === "postgres")("the first load of the Mini App (in one lane, as all pages)", () => {
  const stage = useAppStage(async (stage) => {
    // Whoever measures the page must not measure the bundler.
    const warm = await stage.open({ as: ANNA });
    await warm.close();
  });

  test(
    "comes compressed, in less than 200 KB over plain http, and not again at the next visit",
    async () => {
      const tab = await stage().blank();
      const heard = await listen(tab);
      // As over plain http elsewhere than on one's own machine, where browsers take gzip at best.
      await tab.page.setExtraHTTPHeaders({ "accept-encoding": "gzip, deflate" });
      await tab.page.goto(`${stage().server.base}/?sandbox=${ANNA}`);
      await tab.page.locator("nav.tabs").waitFor();
      await tab.rests();
      const parts = heard().filter(({ type }) => PARTS.has(type));
      expect(parts.map(({ type }) => type).sort()).toEqual(["Document", "Script", "Stylesheet"]);
      expect(parts.map(({ encoding }) => encoding)).toEqual(["gzip", "gzip", "gzip"]);
      const all = heard().reduce((sum, { bytes }) => sum + bytes, 0);
      const ofParts = parts.reduce((sum, { bytes }) => sum + bytes, 0);
      note(`parts ${ofParts} bytes, everything until it is quiet ${all} bytes`);
      // Less than this would be no page.
      expect(ofParts).toBeGreaterThan(20_000);
      expect(all).toBeLessThan(FIRST_LOAD_BYTES_MAX);

      const before = heard().length;
      await tab.page.reload();
      await tab.page.locator("nav.tabs").waitFor();
      const again = heard()
        .slice(before)
        .filter(({ type }) => PARTS.has(type));
      expect(again.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2_000);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "can be used at once on a processor four times slower: a tap on a tab leads there",
    async () => {
      // The best of a few: what else the machine does is not the page's fault.
      const times: number[] = [];
      while (times.length < USABLE_TRIES && !times.some((time) => time < USABLE_MS_MAX)) {
        const tab = await stage().blank();
        await tab.throttle(SLOWER);
        const began = performance.now();
        await tab.page.goto(`${stage().server.base}/?sandbox=${ANNA}`, { waitUntil: "commit" });
        await tab.page.locator('nav.tabs a[href="#/more"]').click();
        await tab.page.locator("main .person").waitFor();
        times.push(performance.now() - began);
        await tab.close();
      }
      note(`usable after ${times.map(Math.round).join(", ")} ms`);
      expect(Math.min(...times)).toBeLessThan(USABLE_MS_MAX);
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a whole visit asks nobody but this server, runs no script but its files, and its policy lets nothing else in",
    async () => {
      const id = await stage().fitting(ANNA);
      const tab = await stage().blank();
      const heard = await listen(tab);
      const answer = await tab.page.goto(`${stage().server.base}/?sandbox=${ANNA}`);
      await tab.page.locator("nav.tabs").waitFor();
      const visited = [...(await places(tab)), `#/pictures/${id}`];
      expect(visited.length).toBeGreaterThan(4);
      for (const place of visited) {
        await tab.page.evaluate(`location.hash = ${JSON.stringify(place)}`);
        await tab.page.locator("main h1").first().waitFor();
        await tab.rests();
      }
      await tab.page.locator("main img").first().waitFor();
      // What was listened to was a visit: parts, calls, pictures and the socket.
      const kinds = () => new Set(heard().map(({ type }) => type));
      await until(() => VISIT.every((kind) => kinds().has(kind)), `all of ${VISIT.join(", ")} are asked for`);
      await Bun.sleep(500);
      const own = new URL(stage().server.base).host;
      const foreign = heard()
        .map(({ address }) => new URL(address))
        .filter((url) => url.host !== own);
      expect(foreign.filter(({ protocol }) => !["data:", "blob:"].includes(protocol)).map(String)).toEqual([]);

      const policy = new Map(
        (answer?.headers()["content-security-policy"] ?? "").split("; ").map((rule) => {
          const [name = "", ...sources] = rule.split(" ");
          return [name, sources.join(" ")] as const;
        }),
      );
      expect([policy.get("default-src"), policy.get("script-src"), policy.get("style-src")]).toEqual([
        "'none'",
        "'self'",
        "'self'",
      ]);
      expect([...policy.values()].filter((sources) => /unsafe|\*(?!\.web\.telegram\.org)/.test(sources))).toEqual([]);
      // The browser keeps to it: neither an inline script nor a handler runs, and each is reported.
      expect(tab.complaints).toEqual([]);
      await tab.page.evaluate(`
        const script = document.createElement("script");
        script.textContent = "window.wasRun = 'a script'";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.wasRun = 1'>");`);
      await becomes(() => tab.complaints.length, 2);
      expect(await tab.page.evaluate("window.wasRun ?? null")).toBeNull();
      expectOnly(tab.complaints, /Content Security Policy/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
