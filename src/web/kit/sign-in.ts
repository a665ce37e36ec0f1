import type { Tokens } from "../../client.ts";
import { problemOf } from "../../client.ts";
import { CallFailure } from "./api.ts";
import { language } from "./words.ts";

/** Signs in with what Telegram signed. The answer as it came, so that it can stand for a renewal of the tokens too. */
export function signInWith(initData: string): Promise<Response> {
  return fetch("/api/v1/auth/telegram", {
    method: "POST",
    headers: { "content-type": "application/json", "accept-language": language.read() },
    body: JSON.stringify({ init_data: initData }),
    cache: "no-store",
  });
}

/** The tokens of a sign-in; throws a `CallFailure`. */
export async function tokensOf(signIn: Promise<Response>): Promise<Tokens> {
  const response = await signIn.catch(() => {
    throw new CallFailure(null);
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new CallFailure(problemOf({ value: body }));
  return body as Tokens;
}
