import { createPromoCode, type PromoEffect } from "../../../src/features/promo/index.ts";
import type { Person, TestApp } from "../../support/app.ts";

let codes = 0;

/** A code of the owner's. */
export async function makeCode(
  app: TestApp,
  more: { code?: string; effect?: PromoEffect; usesMax?: number; expiresAt?: Date } = {},
): Promise<string> {
  codes += 1;
  const { code = `GIFT${codes}`, effect = { credits: 5 }, usesMax = 1, expiresAt } = more;
  return (await createPromoCode(app.ctx, { code, effect, usesMax, expiresAt, createdBy: "test" })).code;
}

/** Uses a code through the front door. */
export function redeem(app: TestApp, person: Person, code: string, key?: string): Promise<Response> {
  return app.request("/promo/redeem", {
    method: "POST",
    as: person,
    json: { code },
    headers: key === undefined ? {} : { "idempotency-key": key },
  });
}

/** Status and code of the answer; `ok` where there is no refusal. */
export async function redeemed(app: TestApp, person: Person, code: string): Promise<[number, string]> {
  const response = await redeem(app, person, code);
  return [response.status, ((await response.json()) as { code?: string }).code ?? "ok"];
}
