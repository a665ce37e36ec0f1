import { Value } from "@sinclair/typebox/value";
import { after, type Clock, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { type ProviderAnswer, parseJson } from "../provider-http.ts";
import { type CallPurpose, failureOf, LknpdFailure } from "./classify.ts";
import { deviceInfo, newDeviceId } from "./device.ts";
import { LKNPD_PATHS, TokenAnswer } from "./wire.ts";

/** Where the login lies between calls and restarts. */
export interface SessionStore {
  /** The installation's name: made with `make` at the first call ever, and the same from then on. */
  deviceId(make: () => string): Promise<string>;
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

export interface SessionNeeds {
  inn: string;
  password: string;
  clock: Clock;
  store: SessionStore;
  /** One call without a login. */
  post(path: string, body: object, purpose: CallPurpose): Promise<ProviderAnswer>;
}

interface Session {
  token: string;
  expiresAtMs: number;
  refreshToken: string | null;
}

/** A token that dies within this time is renewed before it is used. */
const RENEW_BEFORE_MS = 60 * SECOND_MS;
/** For an answer that does not say how long the token lives; the usual is an hour. */
const TOKEN_MS_ASSUMED = 30 * MINUTE_MS;

/** The login of one taxpayer: one at a time, whoever asks. */
export interface LknpdSession {
  /** A token that is good by all we know. */
  token(): Promise<string>;
  /** Another one in place of a token that was refused: renewed, or where `byPassword` says so by a new login. */
  replace(refused: string, byPassword: boolean): Promise<string>;
}

/**
 * Keeps the login: the stored one while it lives, then its renewal, then a login by password. A refused login is
 * `unauthorized` and must not be tried again by itself: the cabinet locks those who guess.
 */
export function createLknpdSession(needs: SessionNeeds): LknpdSession {
  let queue: Promise<unknown> = Promise.resolve();
  /** One at a time, so that two calls do not log in side by side. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  };
  return {
    token: () =>
      inTurn(async () => {
        const stored = await storedSession(needs);
        if (stored !== null && stored.expiresAtMs - RENEW_BEFORE_MS > needs.clock.now().getTime()) return stored.token;
        return renewed(needs, stored, false);
      }),
    replace: (refused, byPassword) =>
      inTurn(async () => {
        const stored = await storedSession(needs);
        // Somebody else replaced it meanwhile.
        if (stored !== null && stored.token !== refused) return stored.token;
        return renewed(needs, stored, byPassword);
      }),
  };
}

async function renewed(needs: SessionNeeds, old: Session | null, byPassword: boolean): Promise<string> {
  if (!byPassword && old?.refreshToken) {
    const fresh = await refresh(needs, old, old.refreshToken);
    if (fresh !== null) return fresh;
  }
  return login(needs);
}

/** Null when the cabinet refuses to renew; an outage or a full rate limit is thrown, and is no reason to send the password. */
async function refresh(needs: SessionNeeds, old: Session, refreshToken: string): Promise<string | null> {
  const device = deviceInfo(await needs.store.deviceId(newDeviceId));
  const answer = await needs.post(LKNPD_PATHS.refresh, { deviceInfo: device, refreshToken }, "refresh");
  const failure = failureOf(answer, "refresh");
  if (failure?.kind === "rejected" || failure?.kind === "unauthorized") return null;
  if (failure !== undefined) throw failure;
  return keep(needs, answer, old);
}

async function login(needs: SessionNeeds): Promise<string> {
  const device = deviceInfo(await needs.store.deviceId(newDeviceId));
  const body = { username: needs.inn, password: needs.password, deviceInfo: device };
  const answer = await needs.post(LKNPD_PATHS.login, body, "login");
  const failure = failureOf(answer, "login");
  if (failure !== undefined) throw failure;
  return keep(needs, answer, null);
}

async function keep(needs: SessionNeeds, answer: ProviderAnswer, old: Session | null): Promise<string> {
  if (!Value.Check(TokenAnswer, answer.json)) {
    throw new LknpdFailure("unavailable", "answered a login in an unknown shape", { status: answer.status });
  }
  const { token, tokenExpireIn, refreshToken, profile } = answer.json;
  if (profile?.inn && profile.inn !== needs.inn) {
    throw new LknpdFailure("unauthorized", "the login belongs to another INN", { status: answer.status });
  }
  const told = Date.parse(tokenExpireIn ?? "");
  const session: Session = {
    token,
    expiresAtMs: Number.isNaN(told) ? after(needs.clock.now(), TOKEN_MS_ASSUMED).getTime() : told,
    // A renewal may come without one: then the old one stays good.
    refreshToken: refreshToken ?? old?.refreshToken ?? null,
  };
  await needs.store.write(JSON.stringify(session));
  return token;
}

async function storedSession({ store }: SessionNeeds): Promise<Session | null> {
  const text = await store.read();
  return text === null ? null : (parseJson(text) as Session);
}
