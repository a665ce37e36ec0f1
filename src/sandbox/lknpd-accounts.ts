import { randomBytes, randomInt } from "node:crypto";
import { after, type Clock, HOUR_MS, SECOND_MS } from "../platform/clock.ts";
import { LKNPD_REFUSALS, type LknpdRefusal } from "./lknpd-faults.ts";

const TOKEN_MS = HOUR_MS;
const SMS_MS = 120 * SECOND_MS;

/** A self-employed person as the cabinet knows one. */
export interface Taxpayer {
  inn: string;
  password: string;
  displayName: string;
  phone: string;
}

/** A token with its taxpayer and the device that it was given to. */
export interface Login {
  inn: string;
  deviceId: string;
}

/** What the cabinet answers a login or its renewal with. */
export type LoginAnswer = Record<string, unknown>;

export interface LknpdAccounts {
  readonly counts: { logins: number; refreshes: number; refused: number };
  /** Device ids that were seen in logins. */
  readonly devices: ReadonlySet<string>;
  /** Devices that the cabinet has shut out. */
  readonly blocked: Set<string>;
  taxpayer(inn: string): Taxpayer | undefined;
  setPassword(inn: string, password: string): void;
  byPassword(username: unknown, password: unknown, deviceId: string): LoginAnswer | LknpdRefusal;
  byRefreshToken(refreshToken: unknown, deviceId: string): LoginAnswer | LknpdRefusal;
  sendSms(phone: unknown): LoginAnswer | LknpdRefusal;
  bySms(order: Record<string, unknown>, deviceId: string): LoginAnswer | LknpdRefusal;
  /** The code that a phone was sent last. */
  smsCode(phone: string): string | undefined;
  /** Whose token it is; undefined for one that is dead or never was. */
  loginOf(token: string): Login | undefined;
  /** Ends every login and renewal of a taxpayer. */
  revoke(inn: string): void;
}

/** Logins on a settable clock: tokens of an hour, renewal without rotation, an old token good until its hour is over. */
export function createLknpdAccounts(clock: Clock, people: readonly Taxpayer[]): LknpdAccounts {
  const taxpayers = new Map(people.map((one) => [one.inn, { ...one }]));
  const tokens = new Map<string, Login & { expiresAt: Date }>();
  const refreshTokens = new Map<string, Login>();
  const challenges = new Map<string, { token: string; code: string; expiresAt: Date }>();
  const blocked = new Set<string>();
  const devices = new Set<string>();
  const counts = { logins: 0, refreshes: 0, refused: 0 };

  const refused = (why: LknpdRefusal): LknpdRefusal => {
    counts.refused += 1;
    return why;
  };
  const newToken = (login: Login): LoginAnswer => {
    const token = `sandbox.${randomBytes(24).toString("base64url")}`;
    const expiresAt = after(clock.now(), TOKEN_MS);
    tokens.set(token, { ...login, expiresAt });
    return { token, tokenExpireIn: expiresAt.toISOString() };
  };
  const welcome = ({ inn, displayName, phone }: Taxpayer, deviceId: string): LoginAnswer | LknpdRefusal => {
    if (blocked.has(deviceId)) return refused(LKNPD_REFUSALS["401_device"]);
    counts.logins += 1;
    devices.add(deviceId);
    const refreshToken = randomBytes(32).toString("base64url");
    refreshTokens.set(refreshToken, { inn, deviceId });
    const profile = { id: 1, inn, displayName, phone, status: "ACTIVE", email: null, snils: null };
    return { refreshToken, refreshTokenExpiresIn: null, ...newToken({ inn, deviceId }), profile };
  };

  return {
    counts,
    devices,
    blocked,
    taxpayer: (inn) => taxpayers.get(inn),
    setPassword(inn, password) {
      const taxpayer = taxpayers.get(inn);
      if (taxpayer) taxpayer.password = password;
    },
    byPassword(username, password, deviceId) {
      if (typeof username !== "string" || username === "") return refused(LKNPD_REFUSALS["422_login"]);
      const taxpayer = taxpayers.get(username);
      if (!taxpayer || taxpayer.password !== password) return refused(LKNPD_REFUSALS["422_password"]);
      return welcome(taxpayer, deviceId);
    },
    byRefreshToken(refreshToken, deviceId) {
      const login = typeof refreshToken === "string" ? refreshTokens.get(refreshToken) : undefined;
      if (!login || login.deviceId !== deviceId || blocked.has(deviceId)) return refused(LKNPD_REFUSALS["401"]);
      counts.refreshes += 1;
      // Neither a new refresh token nor a profile: whoever renews keeps the old ones.
      return newToken(login);
    },
    sendSms(phone) {
      const taxpayer = people.find((one) => one.phone === phone);
      const known = challenges.get(String(phone));
      if (!taxpayer || (known && known.expiresAt > clock.now())) return refused(LKNPD_REFUSALS["422_phone"]);
      const expiresAt = after(clock.now(), SMS_MS);
      const token = crypto.randomUUID();
      challenges.set(taxpayer.phone, { token, code: String(randomInt(100_000, 1_000_000)), expiresAt });
      return { challengeToken: token, expireDate: expiresAt.toISOString(), expireIn: SMS_MS / SECOND_MS };
    },
    bySms(order, deviceId) {
      const phone = String(order.phone);
      const challenge = challenges.get(phone);
      const taxpayer = people.find((one) => one.phone === phone);
      const isRight =
        challenge !== undefined &&
        challenge.token === order.challengeToken &&
        challenge.code === order.code &&
        challenge.expiresAt > clock.now();
      if (!taxpayer || !isRight) return refused(LKNPD_REFUSALS["401"]);
      challenges.delete(phone);
      return welcome(taxpayer, deviceId);
    },
    smsCode: (phone) => challenges.get(phone)?.code,
    loginOf(token) {
      const login = tokens.get(token);
      return login && login.expiresAt > clock.now() ? login : undefined;
    },
    revoke(inn) {
      for (const [token, login] of tokens) if (login.inn === inn) tokens.delete(token);
      for (const [token, login] of refreshTokens) if (login.inn === inn) refreshTokens.delete(token);
    },
  };
}
