import { expect } from "bun:test";
import type { AppStage } from "./app-stage.ts";

/** What stories of the Mini App look up and do beside the page, over HTTP alone. */

const FREE_ACTIONS = 10;

/** The assistant as fast as is still a stream. */
export const BRISK = { "openrouter.pace": { mode: "pace", delayMs: 4 } };

export async function getAs(stage: AppStage, personId: number, path: string): Promise<unknown> {
  const answer = await fetch(`${stage.server.base}/api/v1${path}`, { headers: await stage.signIn(personId) });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.json();
}

export async function freeActionsUsed(stage: AppStage, personId: number): Promise<number> {
  const balance = (await getAs(stage, personId, "/balance")) as { free_actions: { used: number } };
  return balance.free_actions.used;
}

/** The person's conversations with the assistant. */
export async function sessionsOf(stage: AppStage, personId: number): Promise<Array<{ message_count: number }>> {
  const list = (await getAs(stage, personId, "/editing/sessions")) as { items: Array<{ message_count: number }> };
  return list.items;
}

/** Uses up what is free, by messages to the assistant. */
export async function useUpFreeActions(stage: AppStage, personId: number): Promise<void> {
  const request = { method: "POST", headers: await stage.signIn(personId), body: '{"message":"make it red"}' };
  const say = () => fetch(`${stage.server.base}/api/v1/editing/chat`, request);
  const answers = await Promise.all(Array.from({ length: FREE_ACTIONS }, say));
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(FREE_ACTIONS).fill(200));
}

/** Sets switches of a provider's emulator; null takes one back. */
export async function setFaults(
  stage: AppStage,
  switches: object,
  provider: "openrouter" | "kie" = "openrouter",
): Promise<void> {
  const headers = { "content-type": "application/json" };
  const request = { method: "PUT", body: JSON.stringify(switches), headers };
  const answer = await fetch(`${stage.server.base}/sandbox/${provider}/_faults`, request);
  expect(answer.status).toBe(200);
}
