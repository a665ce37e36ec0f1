import { operators } from "../../src/features/auth/tables.ts";
import type { Person, TestApp } from "./app.ts";

export const OWNER_TELEGRAM_ID = 9_000_001;
/** The setting that makes whoever has this Telegram id an owner. */
export const OWNER_SETTING = { ADMIN_TELEGRAM_IDS: String(OWNER_TELEGRAM_ID) };

export interface Operators {
  viewer: Person;
  support: Person;
  owner: Person;
}

/** One operator of each role; the product has to be started with `OWNER_SETTING`. */
export async function signInOperators(app: TestApp): Promise<Operators> {
  const owner = await app.signIn({ telegramId: OWNER_TELEGRAM_ID, firstName: "Olga" });
  const viewer = await app.signIn({ firstName: "Vera" });
  const support = await app.signIn({ firstName: "Semyon" });
  const createdAt = app.clock.now();
  await app.ctx.db.insert(operators).values([
    { userId: viewer.id, role: "viewer", createdAt },
    { userId: support.id, role: "support", createdAt },
  ]);
  return { viewer, support, owner };
}

/** Asks a route of the panel; `path` begins behind `/admin`. */
export async function admin<Answer = Record<string, unknown>>(
  app: TestApp,
  as: Person | undefined,
  path: string,
  json?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Answer }> {
  const method = json === undefined ? "GET" : "POST";
  const response = await app.request(`/admin${path}`, { method, as, headers, ...(json === undefined ? {} : { json }) });
  const text = await response.text();
  return { status: response.status, body: (text.startsWith("{") ? JSON.parse(text) : text) as Answer };
}
