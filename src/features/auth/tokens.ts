import { jwt } from "@elysiajs/jwt";
import type { Clock } from "../../platform/clock.ts";
import { MINUTE_MS } from "../../platform/clock.ts";
import { isId } from "../../platform/ids.ts";

/** An access token is good for half an hour. */
export const ACCESS_TOKEN_SECONDS = 30 * 60;
/** A verified token is believed again without paying for its signature for at most this long. */
const REMEMBERED_MS_MAX = 5 * MINUTE_MS;
const REMEMBERED_COUNT_MAX = 20_000;
const CLOCK_TOLERANCE_SECONDS = 5;
const ISSUER = "atelier";
const AUDIENCE = "atelier-api";
const ALGORITHM = "HS256";

/** Whom an access token speaks for. The session decides whether it still counts. */
export interface AccessClaims {
  userId: string;
  sessionId: string;
}

export interface AccessTokens {
  issue(claims: AccessClaims): Promise<string>;
  /** The claims of a token that was verified lately, without another look at its signature; null for any other. */
  recall(token: string): AccessClaims | null;
  /** The claims of a token that we signed and that has not expired, or null for anything else. */
  verify(token: string): Promise<AccessClaims | null>;
  /** Verified tokens in memory at this moment. */
  readonly remembered: number;
}

/**
 * Access tokens (JWT, HS256 and nothing else, fixed issuer and audience). `secrets` rotate: the first signs, all verify.
 * Verifying a signature costs more than reading a balance, so a verified token is remembered by its hash, for minutes and
 * never past its expiry; whether its session was revoked is asked each time elsewhere. What does not verify is not
 * remembered, so made-up tokens take no memory, and of the verified ones the oldest of `rememberedMax` goes first.
 */
export function createAccessTokens(
  secrets: readonly string[],
  clock: Clock,
  rememberedMax: number = REMEMBERED_COUNT_MAX,
): AccessTokens {
  const keys = secrets.map((secret, number) => jwt({ name: `jwt${number}`, secret, alg: ALGORITHM }).decorator);
  const signer = keys[0]?.jwt0;
  if (!signer) throw new Error("access tokens need at least one secret");
  const verifiers = keys.map((key, number) => (key as Record<string, typeof signer>)[`jwt${number}`] ?? signer);
  const remembered = new Map<string, { claims: AccessClaims; untilMs: number }>();
  const recallByHash = (hash: string): AccessClaims | null => {
    const known = remembered.get(hash);
    if (known && known.untilMs > clock.now().getTime()) return known.claims;
    // Forgotten, not refused: the token itself is good for longer than it is remembered.
    remembered.delete(hash);
    return null;
  };

  return {
    issue({ userId, sessionId }) {
      const seconds = Math.floor(clock.now().getTime() / 1000);
      return signer.sign({
        sub: userId,
        sid: sessionId,
        iss: ISSUER,
        aud: AUDIENCE,
        nbf: seconds,
        exp: seconds + ACCESS_TOKEN_SECONDS,
        // The plugin writes "now" by the machine's clock; `nbf` by our own clock says the same.
        iat: false,
      });
    },
    recall: (token) => recallByHash(hashOf(token)),
    async verify(token) {
      const hash = hashOf(token);
      const nowMs = clock.now().getTime();
      const known = recallByHash(hash);
      if (known) return known;
      for (const verifier of verifiers) {
        const payload = await verifier.verify(token, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          requiredClaims: ["exp", "nbf", "sub", "sid"],
          currentDate: clock.now(),
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        });
        if (!payload) continue;
        const { sub, exp } = payload;
        const sid = (payload as Record<string, unknown>).sid;
        if (typeof sub !== "string" || typeof sid !== "string" || typeof exp !== "number") return null;
        // Postgres throws on a malformed uuid, and somebody else may sign with the same key for other purposes.
        if (!isId(sub) || !isId(sid)) return null;
        const claims = { userId: sub, sessionId: sid };
        const untilMs = Math.min(exp * 1000, nowMs + REMEMBERED_MS_MAX);
        if (untilMs > nowMs) remember(remembered, hash, { claims, untilMs }, rememberedMax);
        return claims;
      }
      return null;
    },
    get remembered() {
      return remembered.size;
    },
  };
}

/** In one call: several times faster than a hash object, which counts where it is done at each request. */
function hashOf(token: string): string {
  return Bun.SHA256.hash(token, "base64");
}

function remember<T>(memory: Map<string, T>, key: string, value: T, countMax: number): void {
  if (memory.size >= countMax && !memory.has(key)) {
    const oldest = memory.keys().next().value;
    if (oldest !== undefined) memory.delete(oldest);
  }
  memory.set(key, value);
}
