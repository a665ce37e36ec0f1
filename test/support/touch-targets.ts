import type { Page } from "playwright-core";

/** What a finger hits without care, in CSS pixels. */
const SIDE_MIN = 44;

/**
 * What can be tapped but is too small for it, as sentences. Links in the middle of a sentence may be as high as their line; a
 * box in a label counts with its label.
 */
export async function touchTargetFaults(page: Page): Promise<string[]> {
  return (await page.evaluate(`
    [...document.querySelectorAll("button, a[href], select, textarea, input:not([type=hidden]), summary")]
      .filter((one) => one.checkVisibility({ opacityProperty: false, visibilityProperty: true }) && !one.closest(".unseen"))
      .filter((one) => !(one.matches("a") && getComputedStyle(one).display === "inline"))
      .map((one) => {
        const target = one.closest("label") ?? one;
        const { width, height } = target.getBoundingClientRect();
        const name = (one.getAttribute("aria-label") ?? one.textContent ?? "").trim().slice(0, 30);
        return { name: one.tagName.toLowerCase() + " " + JSON.stringify(name), width, height, one };
      })
      .filter(({ width, height, one }) =>
        width > 1 && height > 1 && (width < ${SIDE_MIN} || height < ${SIDE_MIN}) && !one.classList.contains("unseen"))
      .map(({ name, width, height }) => name + " is " + Math.round(width) + " by " + Math.round(height) + " pixels")
  `)) as string[];
}
