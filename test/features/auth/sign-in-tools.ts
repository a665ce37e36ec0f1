import { signInitData } from "../../../src/sandbox/init-data.ts";
import { TEST_BOT_TOKEN, type TestApp } from "../../support/app.ts";

let people = 8_000_000;

export interface SignedIn {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token: string;
  user: { id: string; telegram_id: number; first_name: string; language: string };
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  retry_after?: number;
  errors?: { path: string; message: string }[];
}

/** Launch data of a new person, or of the one with this id, as Telegram would mint it at this moment. */
export function launchData(
  product: TestApp,
  person: { telegramId?: number; languageCode?: string; firstName?: string; openedAt?: Date } = {},
): string {
  people += 1;
  return signInitData({
    botToken: TEST_BOT_TOKEN,
    user: {
      id: person.telegramId ?? people,
      first_name: person.firstName ?? "Анна",
      language_code: person.languageCode ?? "en",
    },
    authDate: person.openedAt ?? product.clock.now(),
  });
}

/** The `hash` of launch data, which must never be logged either. */
export function hashOf(initData: string): string {
  return new URLSearchParams(initData).get("hash") ?? "";
}

export function signInWith(
  product: TestApp,
  initData: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return product.request("/auth/telegram", { method: "POST", json: { init_data: initData }, headers });
}

export function refreshWith(product: TestApp, refreshToken: string): Promise<Response> {
  return product.request("/auth/refresh", { method: "POST", json: { refresh_token: refreshToken } });
}

export async function signedIn(answer: Response): Promise<SignedIn> {
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(`expected a sign-in, not ${answer.status} ${JSON.stringify(body)}`);
  return body as SignedIn;
}

/** Status and code of a refusal. */
export async function refused(answer: Response): Promise<[number, string]> {
  return [answer.status, ((await answer.json()) as ProblemBody).code];
}

export function withToken(product: TestApp, token: string, path = "/profile", method = "GET"): Promise<Response> {
  return product.request(path, { method, headers: { authorization: `Bearer ${token}` } });
}
