import type { AppStage, AppTab } from "./app-stage.ts";
import { until } from "./until.ts";

/** What the stories of a try-on do again and again, by the page and by requests from elsewhere. */

/** For one picture of the sandbox. */
export const PICTURE_MS_MAX = 20_000;

export const chooser = (tab: AppTab, label: string) => tab.page.getByRole("region", { name: label });
export const sample = (tab: AppTab, name: string) => tab.page.locator(`[data-sample=${name}]`).click();
export const tryIt = (tab: AppTab) => tab.page.getByRole("button", { name: "Try it on" });
export const zone = (tab: AppTab, name: string) => tab.page.getByRole("radio", { name, exact: true });
export const ready = (tab: AppTab) => until(() => tryIt(tab).isEnabled(), "it can be ordered", 10_000);
export const result = (tab: AppTab) =>
  tab.page.getByLabel("Compare before and after").waitFor({ timeout: PICTURE_MS_MAX });

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

export async function balanceOf(stage: AppStage, personId: number) {
  const headers = await stage.signIn(personId);
  const answer = await fetch(`${stage.server.base}/api/v1/balance`, { headers });
  return (await answer.json()) as { credits: number; free_actions: { limit: number; used: number } };
}

/** Sets switches of the emulated provider, null clears one; resolves with those that are on and how often they will strike. */
export async function kieFaults(
  stage: AppStage,
  faults: Record<string, object | null>,
): Promise<Record<string, { times?: number }>> {
  const address = `${stage.server.base}/sandbox/kie/_faults`;
  const answer = await fetch(address, { method: "PUT", body: JSON.stringify(faults) });
  if (!answer.ok) throw new Error(await answer.text());
  return ((await answer.json()) as { active: Record<string, { times?: number }> }).active;
}

/** A turn of a conversation is the cheapest that a free action pays for. */
export async function spendFreeActions(stage: AppStage, personId: number): Promise<void> {
  const headers = await stage.signIn(personId);
  const { free_actions: free } = await balanceOf(stage, personId);
  const turn = async () => {
    const body = JSON.stringify({ message: "A blue shirt" });
    const answer = await fetch(`${stage.server.base}/api/v1/editing/chat`, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`a turn was answered ${answer.status}: ${await answer.text()}`);
  };
  await Promise.all(Array.from({ length: free.limit - free.used }, turn));
}

/** Takes away the picture that the person had made last. */
export async function deleteNewest(stage: AppStage, personId: number): Promise<void> {
  const { authorization = "" } = await stage.signIn(personId);
  const list = `${stage.server.base}/api/v1/generations`;
  const listed = await fetch(`${list}?limit=1`, { headers: { authorization } });
  const { items } = (await listed.json()) as { items: Array<{ id: string }> };
  const gone = await fetch(`${list}/${items[0]?.id}`, { method: "DELETE", headers: { authorization } });
  if (gone.status !== 204) throw new Error(`deleting was answered ${gone.status}`);
}
