import { type DocumentDecoration, Elysia } from "elysia";
import type { Context } from "../../context.ts";
import { invariant, Refusal } from "../../platform/errors.ts";
import { addressNetwork } from "../../platform/http/client-address.ts";
import { rememberLanguage } from "../../platform/http/problem.ts";
import type { RateLimiter } from "../../platform/http/rate-limit.ts";
import { refuses } from "../../platform/http/schemas.ts";
import type { User } from "../profile/index.ts";
import { mayAct, roleOf } from "./operators.ts";
import { personOfSession } from "./sessions.ts";
import type { OperatorRole } from "./tables.ts";
import type { AccessTokens } from "./tokens.ts";

/** Tokens that a request takes from its person's or address's bucket, by what it costs the server. */
export const REQUEST_COST = { read: 1, write: 5, upload: 10, sign_in: 20, guess: 20, generate: 50 } as const;
export type RequestClass = keyof typeof REQUEST_COST;

/** A person may do this much in one burst and then per second; 40 pictures at once, then one a second. */
const PERSON_BUCKET = { capacity: 2_000, refillPerSecond: 50 };
/** A person may try this many times what might be guessed, such as a promo code, and then once in six minutes. */
const GUESS_BUCKET = { capacity: 10, refillPerSecond: 1 / 360 };
/** Many people share the address of a mobile network, so it may do more; it is asked only where nobody is signed in. */
const ADDRESS_BUCKET = { capacity: 4_000, refillPerSecond: 100 };

/** What the API's description says of every route behind the guard. */
const SIGNED_IN_DETAIL: DocumentDecoration = {
  security: [{ bearerAuth: [] }],
  ...refuses("unauthenticated", "banned", "rate_limited"),
};
const OPERATOR_DETAIL: DocumentDecoration = {
  security: [{ bearerAuth: [] }],
  ...refuses("unauthenticated", "banned", "forbidden", "rate_limited"),
};
const ANYONE_DETAIL = refuses("rate_limited");

export interface GuardNeeds {
  ctx: Context;
  tokens: AccessTokens;
  limiter: RateLimiter;
}

/** What a route learns of a signed-in request. */
interface Admission {
  person: User;
  sessionId: string;
  ctx: Context;
}

/** The same of an operator's request. */
interface OperatorAdmission extends Admission {
  role: OperatorRole;
}

/**
 * Who may call a route. `signedIn: "<class>"` asks for a person who is signed in and not banned, takes the class's tokens
 * from their bucket and hands the route `person`, `sessionId` and a context whose log and jobs carry the request's id.
 * `anyone: "<class>"` lets everybody in and takes the tokens from the address's bucket.
 *
 * `viewer`, `support` and `owner` ask like `signedIn`, and for that role in the owner's panel or a higher one, which is read
 * anew at each request. Such a route also gets the operator's own `role`.
 *
 * All ask before the request is validated, so that a stranger hears 401 whatever they send and a flood of invalid
 * requests is limited like any other.
 */
export function guard({ ctx, tokens, limiter }: GuardNeeds) {
  const scoped = (requestId: string): Context => ({ ...ctx, requestId, log: ctx.log.with({ request_id: requestId }) });
  const take = (key: string, bucket: { capacity: number; refillPerSecond: number }, cost: number) => {
    if (ctx.settings.RATE_LIMITS === "off") return;
    const verdict = limiter.take(key, { ...bucket, cost });
    if (!verdict.allowed) throw new Refusal("rate_limited", { retry_after: verdict.retryAfterSeconds });
  };
  const admissions = new WeakMap<Request, Admission>();
  const admit = async (request: Request, requestId: string, requestClass: RequestClass): Promise<Admission> => {
    const claims = await tokens.verify(bearerOf(request));
    const person = claims ? await personOfSession(ctx, claims) : null;
    if (!claims || !person) throw new Refusal("unauthenticated");
    rememberLanguage(request, person.language);
    if (person.bannedAt !== null) throw new Refusal("banned");
    take(`person:${person.id}`, PERSON_BUCKET, REQUEST_COST[requestClass]);
    if (requestClass === "guess") take(`guess:${person.id}`, GUESS_BUCKET, 1);
    return { person, sessionId: claims.sessionId, ctx: scoped(requestId) };
  };
  const operatorAdmissions = new WeakMap<Request, OperatorAdmission>();
  const operator = (least: OperatorRole) => (requestClass: RequestClass) => ({
    detail: OPERATOR_DETAIL,
    async transform({ request, set }: { request: Request; set: { headers: Record<string, unknown> } }) {
      const admission = await admit(request, String(set.headers["x-request-id"]), requestClass);
      const role = await roleOf(ctx, admission.person);
      if (role === null || !mayAct(role, least)) throw new Refusal("forbidden");
      operatorAdmissions.set(request, { ...admission, role });
    },
    resolve({ request }: { request: Request }) {
      const admission = operatorAdmissions.get(request);
      invariant(admission, "an operator's request was admitted before its route runs");
      return { ...admission };
    },
  });
  return new Elysia({ name: "guard" }).macro({
    viewer: operator("viewer"),
    support: operator("support"),
    owner: operator("owner"),
    signedIn: (requestClass: RequestClass) => ({
      detail: SIGNED_IN_DETAIL,
      // `transform` runs before validation but cannot hand values on with their types; `resolve` can, and runs after.
      async transform({ request, set }) {
        admissions.set(request, await admit(request, String(set.headers["x-request-id"]), requestClass));
      },
      resolve({ request }) {
        const admission = admissions.get(request);
        invariant(admission, "a request was admitted before its route runs");
        return { ...admission };
      },
    }),
    anyone: (requestClass: RequestClass) => ({
      detail: ANYONE_DETAIL,
      // `address` comes from the request scope, which this plugin's types do not know of.
      transform: (({ address }: { address: string }) =>
        take(
          `address:${addressNetwork(address)}`,
          ADDRESS_BUCKET,
          REQUEST_COST[requestClass],
        )) as unknown as () => void,
      resolve: ({ set }) => ({ ctx: scoped(String(set.headers["x-request-id"])) }),
    }),
  });
}

/** The token of `Authorization: Bearer ...`; an empty text, which nothing verifies, for any other header. */
function bearerOf(request: Request): string {
  const header = request.headers.get("authorization") ?? "";
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1] ?? "";
}
