import { type DocumentDecoration, Elysia } from "elysia";
import type { Context } from "../../context.ts";
import { invariant, Refusal } from "../../platform/errors.ts";
import { type AddressReader, addressNetwork } from "../../platform/http/client-address.ts";
import { rememberLanguage } from "../../platform/http/problem.ts";
import { setRateHeaders } from "../../platform/http/rate-headers.ts";
import type { RateLimiter } from "../../platform/http/rate-limit.ts";
import { refuses } from "../../platform/http/schemas.ts";
import { takeShared } from "../../platform/limits/shared-bucket.ts";
import { mayAct, roleOf } from "./operators.ts";
import {
  ADDRESS_BUCKET,
  GUESS_BUCKET,
  HINT_BUCKET,
  type NamedBucket,
  PERSON_BUCKET,
  REQUEST_COST,
  type RequestClass,
} from "./rate-classes.ts";
import { personOfSession, type SignedInPerson } from "./sessions.ts";
import type { OperatorRole } from "./tables.ts";
import type { AccessTokens } from "./tokens.ts";

/** What the API's description says of every route behind the guard. */
const SIGNED_IN_DETAIL: DocumentDecoration = {
  security: [{ bearerAuth: [] }],
  ...refuses("unauthenticated", "banned", "rate_limited", "busy"),
};
const OPERATOR_DETAIL: DocumentDecoration = {
  security: [{ bearerAuth: [] }],
  ...refuses("unauthenticated", "banned", "forbidden", "rate_limited", "busy"),
};
const ANYONE_DETAIL = refuses("rate_limited", "busy");

/** Providers that send hints. */
export type Sender = "kie" | "telegram" | "yookassa";

export interface GuardNeeds {
  ctx: Context;
  tokens: AccessTokens;
  limiter: RateLimiter;
  addressOf: AddressReader;
  /** Whether a hint comes from whom it should; asked before anybody reads its body. */
  isFrom: Readonly<Record<Sender, (hint: Hint) => boolean>>;
}

/** What a hint shows of its sender. */
export interface Hint {
  request: Request;
  /** The address without proxies. */
  address: string;
}

/** What a route learns of a signed-in request. */
interface Admission {
  person: SignedInPerson;
  sessionId: string;
  ctx: Context;
}

/** The same of an operator's request. */
interface OperatorAdmission extends Admission {
  role: OperatorRole;
}

/** The part of a request that the limits need. */
interface Asked {
  request: Request;
  set: { headers: Record<string, unknown> };
}

/**
 * Who may call a route. `signedIn: "<class>"` asks for a person who is signed in and not banned, takes the class's tokens
 * from their bucket and hands the route `person`, `sessionId` and a context whose jobs carry the request's id.
 * `anyone: "<class>"` lets everybody in and takes the tokens from the bucket of the address and class. `hint: "<sender>"`
 * is for providers: whoever proves to be one is not counted, so that a flood of forgeries never keeps out the honest sender.
 *
 * `viewer`, `support` and `owner` ask like `signedIn`, and for that role in the owner's panel or a higher one, which is read
 * anew at each request. Such a route also gets the operator's own `role`.
 *
 * The hooks name what they take of the framework's context: for one that passes the whole of it on, the framework reads all
 * headers, the query and the cookies into it at each request.
 *
 * All ask before the request is validated, so that a stranger hears 401 whatever they send and a flood of invalid
 * requests is limited like any other.
 */
export function guard({ ctx, tokens, limiter, addressOf, isFrom }: GuardNeeds) {
  const networkOf = (request: Request) => addressNetwork(addressOf(request));
  const isLimited = ctx.settings.RATE_LIMITS === "on";
  /** Its log names the request by itself (`telemetry/scope.ts`). */
  const scoped = (requestId: string): Context => ({ ...ctx, requestId });
  const take = (asked: Pick<Asked, "set">, keyOf: () => string, bucket: NamedBucket, cost: number) => {
    if (!isLimited) return;
    const verdict = limiter.take(`${bucket.name}:${keyOf()}`, { ...bucket, cost });
    setRateHeaders(asked.set.headers, bucket, verdict);
    if (!verdict.allowed) throw new Refusal("rate_limited", { retry_after: verdict.retryAfterSeconds });
  };
  const takeGuess = async (personId: string) => {
    if (!isLimited) return;
    const verdict = await takeShared(ctx, GUESS_BUCKET, personId);
    if (!verdict.allowed) throw new Refusal("rate_limited", { retry_after: verdict.retryAfterSeconds });
  };
  const admissions = new WeakMap<Request, Admission>();
  const admit = async (asked: Asked, requestClass: RequestClass): Promise<Admission> => {
    const token = bearerOf(asked.request);
    const claims = tokens.recall(token) ?? (await tokens.verify(token));
    const person = claims ? await personOfSession(ctx, claims) : null;
    if (!claims || !person) {
      take(asked, () => `refused:${networkOf(asked.request)}`, ADDRESS_BUCKET, REQUEST_COST.read);
      throw new Refusal("unauthenticated");
    }
    rememberLanguage(asked.request, person.language);
    if (person.bannedAt !== null) throw new Refusal("banned");
    take(asked, () => person.id, PERSON_BUCKET, REQUEST_COST[requestClass]);
    if (requestClass === "guess") await takeGuess(person.id);
    return { person, sessionId: claims.sessionId, ctx: scoped(String(asked.set.headers["x-request-id"])) };
  };
  const operatorAdmissions = new WeakMap<Request, OperatorAdmission>();
  const operator = (least: OperatorRole) => (requestClass: RequestClass) => ({
    detail: OPERATOR_DETAIL,
    transform: (async ({ request, set }: Asked) => {
      const admission = await admit({ request, set }, requestClass);
      const role = await roleOf(ctx, admission.person);
      if (role === null || !mayAct(role, least)) throw new Refusal("forbidden");
      operatorAdmissions.set(request, { ...admission, role });
    }) as unknown as () => Promise<void>,
    resolve({ request }: { request: Request }) {
      const admission = operatorAdmissions.get(request);
      invariant(admission, "an operator's request was admitted before its route runs");
      return { ...admission };
    },
  });
  return new Elysia({ name: "guard" }).decorate("addressOf", addressOf).macro({
    viewer: operator("viewer"),
    support: operator("support"),
    owner: operator("owner"),
    signedIn: (requestClass: RequestClass) => ({
      detail: SIGNED_IN_DETAIL,
      // `transform` runs before validation but cannot hand values on with their types; `resolve` can, and runs after.
      transform: (async ({ request, set }: Asked) => {
        admissions.set(request, await admit({ request, set }, requestClass));
      }) as unknown as () => Promise<void>,
      resolve({ request }) {
        const admission = admissions.get(request);
        invariant(admission, "a request was admitted before its route runs");
        return { ...admission };
      },
    }),
    anyone: (requestClass: RequestClass) => ({
      detail: ANYONE_DETAIL,
      transform: (({ request, set }: Asked) =>
        take(
          { set },
          () => `${requestClass}:${networkOf(request)}`,
          ADDRESS_BUCKET,
          REQUEST_COST[requestClass],
        )) as unknown as () => void,
      resolve: ({ set }) => ({ ctx: scoped(String(set.headers["x-request-id"])) }),
    }),
    hint: (sender: Sender) => ({
      detail: ANYONE_DETAIL,
      transform: (({ request, set }: Asked) => {
        if (isFrom[sender]({ request, address: addressOf(request) })) return;
        take({ set }, () => networkOf(request), HINT_BUCKET, 1);
      }) as unknown as () => void,
      resolve: ({ set }) => ({ ctx: scoped(String(set.headers["x-request-id"])) }),
    }),
  });
}

/** The token of `Authorization: Bearer ...`; an empty text, which nothing verifies, for any other header. */
function bearerOf(request: Request): string {
  const header = request.headers.get("authorization") ?? "";
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1] ?? "";
}
