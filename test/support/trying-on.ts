import { deletePicture, getAs } from "./app-calls.ts";
import type { AppStage } from "./app-stage.ts";
import { type AppTab, WAIT_MS } from "./app-tab.ts";
import { until } from "./until.ts";

/** What the stories of a try-on do again and again, by the page and by requests from elsewhere. */

export const chooser = (tab: AppTab, label: string) => tab.page.getByRole("region", { name: label });
export const sample = (tab: AppTab, name: string) => tab.page.locator(`[data-sample=${name}]`).click();
export const tryIt = (tab: AppTab) => tab.page.getByRole("button", { name: "Try it on" });
export const zone = (tab: AppTab, name: string) => tab.page.getByRole("radio", { name, exact: true });
export const ready = (tab: AppTab) => until(() => tryIt(tab).isEnabled(), "it can be ordered", WAIT_MS);

/** Both photos and a zone, with what an emulator is to do in the wish. */
export async function prepare(tab: AppTab, wish = ""): Promise<void> {
  await sample(tab, "person");
  await sample(tab, "jacket");
  await zone(tab, "Outerwear").check();
  if (wish !== "") {
    await tab.page.getByText("Add a wish").click();
    await tab.page.getByLabel("How it should be worn").fill(wish);
  }
  await ready(tab);
}

/** What is ordered from here on. */
export function ordersOf(tab: AppTab) {
  const orders: Array<{ key: string | undefined; zone: string; user_photo_id: string }> = [];
  tab.page.on("request", (request) => {
    if (!request.url().endsWith("/fitting/generate")) return;
    orders.push({ key: request.headers()["idempotency-key"], ...request.postDataJSON() });
  });
  return orders;
}

export const chooseFile = (tab: AppTab, label: string, path: string) =>
  tab.page.getByLabel(`${label}: Choose a photo`).setInputFiles(path);

/** As the browser hands over a file that is dropped on a part of the page, or pasted. */
export async function giveFile(tab: AppTab, type: "drop" | "paste", target: string, base64: string): Promise<void> {
  await tab.page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob("${base64}"), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "photo.png", { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    ${target}.dispatchEvent(
      "${type}" === "drop"
        ? new DragEvent("drop", { ...options, dataTransfer: data })
        : new ClipboardEvent("paste", { ...options, clipboardData: data }),
    );
  })()`);
}

/** Takes away the picture that the person had made last. */
export async function deleteNewest(stage: AppStage, personId: number): Promise<void> {
  const { items } = await getAs<{ items: Array<{ id: string }> }>(stage, personId, "/generations?limit=1");
  await deletePicture(stage, personId, items[0]?.id ?? "");
}
