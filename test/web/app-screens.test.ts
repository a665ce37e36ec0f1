import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { violationsOn } from "../support/accessibility.ts";
import { refusal } from "../support/app-calls.ts";
import { ANNA, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, LOOKS } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { screenshot } from "../support/screenshots.ts";
import { touchTargetFaults } from "../support/touch-targets.ts";
import { widerBy } from "../support/usable.ts";

/** Every screen that there is, without knowing what it is for: whoever adds one is looked at here. */

/** The smallest phone that still gets new versions of Telegram. */
const SMALLEST = { width: 320, height: 568 };
const NEWCOMER = 1051;
const APP_FOLDER = resolve(import.meta.dir, "../../src/web/app");

/** The sections of all screens, as their files say them. */
async function sections(): Promise<string[]> {
  const list = await Bun.file(`${APP_FOLDER}/screens.ts`).text();
  const files = [...list.matchAll(/import \{ \w+Screen \} from "\.\/([\w-]+\.tsx)"/g)].map(([, file = ""]) => file);
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await Bun.file(`${APP_FOLDER}/${file}`).text();
      return [...text.matchAll(/: Screen = \{\s*section: (?:"([a-z-]+)"|([A-Z_]+))/g)].map(
        ([, section, name]) => section ?? new RegExp(`const ${name} = "([a-z-]+)"`).exec(text)?.[1] ?? "",
      );
    }),
  );
  return [...found.flat(), "more"];
}

async function lookAt(tab: AppTab, where: string, name: string): Promise<string[]> {
  await tab.page.evaluate(`location.hash = "#/${where}"`);
  await tab.page.locator("main h1").first().waitFor();
  await tab.rests();
  await screenshot(tab.page, `${name}-${where.replace(/\/.*/, "-one")}`);
  const wider = await widerBy(tab.page);
  return [
    ...(await violationsOn(tab.page)),
    ...(wider > 0 ? [`it is ${wider} pixels wider than the phone`] : []),
    ...(await touchTargetFaults(tab.page)),
  ].map((fault) => `${where}: ${fault}`);
}

describe.skipIf(lane === "postgres")("every screen of the Mini App (in one lane, as all pages)", () => {
  let finishedId: string;
  const stage = useAppStage(async (stage) => {
    finishedId = await stage.fitting(ANNA);
  });
  /** Places below a section that a link elsewhere leads to. */
  const inner = (): readonly string[] => [`pictures/${finishedId}`, `edit/${finishedId}`, "settings/erase"];

  test("all are known here, and each tab and row leads to one", async () => {
    const known = await sections();
    expect(known.length).toBeGreaterThanOrEqual(4);
    expect(known).not.toContain("");
    const tab = await stage().open({ as: ANNA, at: "more" });
    await tab.page.locator("main .person").waitFor();
    const linked = (await tab.page.evaluate(
      `[...document.querySelectorAll("nav.tabs a, main .rows a")].map((link) => link.getAttribute("href").slice(2))`,
    )) as string[];
    expect(linked.filter((section) => !known.includes(section))).toEqual([]);
    await tab.close();
  });

  for (const [colorScheme, locale] of LOOKS) {
    test(
      `on the smallest phone each can be used by everybody: ${colorScheme}, ${locale}`,
      async () => {
        const person = locale === "ru-RU" ? NEWCOMER : ANNA;
        const tab = await stage().open({ as: person, viewport: SMALLEST, colorScheme, locale });
        const known = await sections();
        const places = [
          ...known,
          ...(person === ANNA ? inner().filter((place) => known.includes(place.split("/")[0] ?? "")) : []),
        ];
        const faults: string[] = [];
        for (const place of places) {
          faults.push(...(await lookAt(tab, place, `small-${colorScheme}-${locale}`)));
          // Words of the other language, which a forgotten table or text would show.
          if (locale === "ru-RU") {
            const heading = (await tab.page.locator("main h1").first().textContent()) ?? "";
            if (!/[а-яё]/i.test(heading)) faults.push(`${place}: its heading is not Russian: ${heading}`);
          }
        }
        expect(faults).toEqual([]);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }

  test(
    "where the server fails, each still says what it is, and what went wrong or nothing; none is left waiting or blank",
    async () => {
      const tab = await stage().open({ as: ANNA, at: "more", viewport: SMALLEST });
      await tab.page.locator("main .person").waitFor();
      await tab.page.route(/\/api\/v1\/(?!live|auth)/, (route) => route.fulfill(refusal(500)));
      const faults: string[] = [];
      for (const place of await sections()) {
        faults.push(...(await lookAt(tab, place, "failing")));
        const waiting = tab.page.locator("main .waiting").first();
        await waiting.waitFor({ state: "detached" }).catch(() => faults.push(`${place}: it waits for ever`));
      }
      expect(faults).toEqual([]);
      expectOnly(tab.complaints, /500/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
