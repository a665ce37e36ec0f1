import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { after, DAY_MS, HOUR_MS, SECOND_MS } from "../platform/clock.ts";

/** The person in Telegram's own spelling (`first_name`, `language_code`, ...); further fields pass through. */
export interface SandboxUser {
  id: number;
  first_name: string;
  [field: string]: unknown;
}

/**
 * Ways to spoil launch data, for tests and demonstrations. All but `unknown_field` must be refused.
 * - `expired`, `future`: opened 30 days ago, or an hour from now
 * - `no_user`: as some launches from group chats
 * - `unknown_field`: a field that Telegram may add one day, signed like the others
 * - `duplicated_key`: a second `user` behind the signed one
 * - `wrong_token`: signed with another bot's token
 * - `signature_excluded`: the mistake of old libraries, `signature` left out of the check string
 */
export const INIT_DATA_TWISTS = [
  "expired",
  "future",
  "no_user",
  "unknown_field",
  "duplicated_key",
  "wrong_token",
  "signature_excluded",
] as const;
export type InitDataTwist = (typeof INIT_DATA_TWISTS)[number];

export interface SignInitDataOptions {
  botToken: string;
  user: SandboxUser;
  authDate: Date;
  startParam?: string;
  /** Further fields, such as `query_id` or `chat_instance`, signed like the others. */
  extra?: Readonly<Record<string, string>>;
  twist?: InitDataTwist;
}

/**
 * Launch data (`initData`) as Telegram mints it for a Mini App: form-encoded, slashes escaped in the JSON, Ed25519
 * `signature` of a key of our own (Telegram's private key is Telegram's), and the HMAC `hash` over all the rest.
 */
export function signInitData(options: SignInitDataOptions): string {
  const { botToken, twist } = options;
  const fields = launchFields(options);
  const signature = sign(null, Buffer.from(`${botIdOf(botToken)}:WebAppData\n${lines(fields)}`), keyFor(botToken));
  const signed = new Map(fields).set("signature", signature.toString("base64url"));

  const hash = createHmac("sha256", createHmac("sha256", "WebAppData").update(signingToken(options)).digest())
    .update(lines(twist === "signature_excluded" ? fields : signed))
    .digest("hex");
  const query = [...signed.set("hash", hash)]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return twist === "duplicated_key"
    ? `${query}&user=${encodeURIComponent(userJson({ ...options.user, id: 1 }))}`
    : query;
}

/** The public half of the key that signs for this bot in the sandbox. */
export function sandboxPublicKey(botToken: string): KeyObject {
  return createPublicKey(keyFor(botToken));
}

function launchFields(options: SignInitDataOptions): Map<string, string> {
  const { twist } = options;
  const fields = new Map<string, string>();
  if (twist !== "no_user") fields.set("user", userJson(options.user));
  for (const [name, value] of Object.entries(options.extra ?? {})) fields.set(name, value);
  if (options.startParam !== undefined) fields.set("start_param", options.startParam);
  if (twist === "unknown_field") fields.set("launched_from_future_client", "yes & no = maybe");
  const shiftMs = twist === "expired" ? -30 * DAY_MS : twist === "future" ? HOUR_MS : 0;
  const authSeconds = Math.floor(after(options.authDate, shiftMs).getTime() / SECOND_MS);
  return fields.set("auth_date", String(authSeconds));
}

function userJson(user: SandboxUser): string {
  return JSON.stringify(user).replaceAll("/", "\\/");
}

function lines(fields: Map<string, string>): string {
  const names = [...fields.keys()].sort();
  return names.map((name) => `${name}=${fields.get(name)}`).join("\n");
}

function signingToken({ botToken, twist }: SignInitDataOptions): string {
  return twist === "wrong_token" ? `${botToken}-of-another-bot` : botToken;
}

function botIdOf(botToken: string): string {
  return botToken.split(":", 1)[0] ?? "";
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const ED25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** The same token gives the same key, so that what is minted can be repeated. */
function keyFor(botToken: string): KeyObject {
  const seed = createHash("sha256").update(`sandbox launch data ${botToken}`).digest();
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}
