import axe from "axe-core";
import type { Page } from "playwright-core";

/** What the axe rules say; `minor` and `moderate` findings are advice. */
const COUNTED = ["serious", "critical"];

/** A page that was caught between two states has come to rest by one of these. */
const REST_MS = 500;
const LOOKS_MAX = 6;

/**
 * The violations of level serious or above on what the page shows now, as sentences. What is found is looked at again: a
 * button that is being switched off has the colours of one that is while it is not one yet.
 */
export async function violationsOn(page: Page): Promise<string[]> {
  let found = await violationsNow(page);
  for (let looks = 1; found.length > 0 && looks < LOOKS_MAX; looks += 1) {
    await Bun.sleep(REST_MS);
    found = await violationsNow(page);
  }
  return found;
}

async function violationsNow(page: Page): Promise<string[]> {
  // Through the browser's own debugger: the page's policy would not let a script in.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe.source);
  const results = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'], preload: false })",
  )) as axe.AxeResults;
  return results.violations
    .filter(({ impact }) => COUNTED.includes(impact ?? ""))
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.any[0]?.message ?? node.failureSummary ?? ""}`),
    );
}
