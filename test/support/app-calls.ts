import { expect } from "bun:test";
import type { AppStage } from "./app-stage.ts";
import type { AppTab } from "./app-tab.ts";

/** What stories of the Mini App look up and do beside the page, over HTTP alone. */

/** Who looks until something has happened looks often: one sign-in serves all, or the limits of the server would end it. */
const signedIn = new WeakMap<AppStage, Map<number, Record<string, string>>>();

export async function getAs<Answer>(stage: AppStage, personId: number, path: string): Promise<Answer> {
  const known = signedIn.get(stage) ?? new Map<number, Record<string, string>>();
  signedIn.set(stage, known);
  const look = async (headers: Record<string, string>) => {
    known.set(personId, headers);
    return fetch(`${stage.server.base}/api/v1${path}`, { headers });
  };
  let answer = await look(known.get(personId) ?? (await stage.signIn(personId)));
  // Signed out or erased meanwhile.
  if (answer.status === 401) answer = await look(await stage.signIn(personId));
  while (answer.status === 429) {
    await Bun.sleep(Number(answer.headers.get("retry-after")) * 1_000);
    answer = await look(known.get(personId) ?? {});
  }
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as Answer;
}

interface BalanceSeen {
  credits: number;
  free_actions: { limit: number; used: number };
}

export const balanceOf = (stage: AppStage, personId: number) => getAs<BalanceSeen>(stage, personId, "/balance");

export const creditsOf = async (stage: AppStage, personId: number) => (await balanceOf(stage, personId)).credits;

export const freeActionsUsed = async (stage: AppStage, personId: number) =>
  (await balanceOf(stage, personId)).free_actions.used;

/** The person's conversations with the assistant. */
export async function sessionsOf(stage: AppStage, personId: number): Promise<Array<{ message_count: number }>> {
  const list = await getAs<{ items: Array<{ message_count: number }> }>(stage, personId, "/editing/sessions");
  return list.items;
}

/** Talks to the assistant, each message for one free action, which is the cheapest that it pays for. */
export async function talk(stage: AppStage, personId: number, messages: number): Promise<void> {
  const request = { method: "POST", headers: await stage.signIn(personId), body: '{"message":"make it red"}' };
  const say = () => fetch(`${stage.server.base}/api/v1/editing/chat`, request);
  const answers = await Promise.all(Array.from({ length: messages }, say));
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(messages).fill(200));
}

/** Uses up what is free, by messages to the assistant. */
export async function useUpFreeActions(stage: AppStage, personId: number): Promise<void> {
  const { free_actions: free } = await balanceOf(stage, personId);
  await talk(stage, personId, free.limit - free.used);
}

/** Deletes a picture elsewhere. */
export async function deletePicture(stage: AppStage, personId: number, id: string): Promise<void> {
  const { authorization = "" } = await stage.signIn(personId);
  const gone = await fetch(`${stage.server.base}/api/v1/generations/${id}`, {
    method: "DELETE",
    headers: { authorization },
  });
  expect(gone.status).toBe(204);
}

/** Sets switches of a provider's emulator, null takes one back; resolves with those that are on and how often they will strike. */
export async function setFaults(
  stage: AppStage,
  provider: "openrouter" | "kie" | "yookassa",
  switches: Record<string, object | null>,
): Promise<Record<string, { times?: number }>> {
  const headers = { "content-type": "application/json" };
  const request = { method: "PUT", body: JSON.stringify(switches), headers };
  const answer = await fetch(`${stage.server.base}/sandbox/${provider}/_faults`, request);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { active: Record<string, { times?: number }> }).active;
}

/** With what a tab's own session asks. */
export const tokenIn = (tab: AppTab): Promise<string> =>
  tab.page.evaluate(`JSON.parse(sessionStorage.getItem("atelier.session")).access_token`);

const profileWith = (stage: AppStage, token: string) =>
  fetch(`${stage.server.base}/api/v1/profile`, { headers: { authorization: `Bearer ${token}` } });

/** How the server answers whoever comes with this token. */
export const statusWith = async (stage: AppStage, token: string) => (await profileWith(stage, token)).status;

/** Whose token it is. */
export const idWith = async (stage: AppStage, token: string) =>
  ((await (await profileWith(stage, token)).json()) as { id: string }).id;

/** An answer for `route.fulfill` in the place of the server's own: a refusal as it words them. */
export function refusal(status: number, more: { code?: string; detail?: string; bot_link?: string } = {}) {
  const problem = { type: "about:blank", title: "", code: "internal", detail: "It broke.", request_id: "4711-4711" };
  return { status, json: { ...problem, status, ...more } };
}
