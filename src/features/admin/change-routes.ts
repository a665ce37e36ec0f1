import type { TSchema } from "elysia";
import type { Context } from "../../context.ts";
import { type IdempotentAnswer, once } from "../../platform/http/idempotency.ts";
import { NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import type { RefusalCode } from "../../platform/refusals.ts";
import type { Order } from "./change.ts";
import { IdParams, ReasonBody } from "./schemas.ts";

/** The part of a request to change one thing that every such route has. */
interface Asked {
  params: { id: string };
  body: { reason: string };
  person: { id: string };
}

/** The order that a request is: who, what, why. */
export function orderOf({ params, body, person }: Asked): Order & { operatorId: string } {
  return { operatorId: person.id, id: params.id, reason: body.reason };
}

/**
 * What a route that changes one thing takes and answers. The role stands beside it, since it differs; so does a body that
 * asks for more than the reason.
 */
export function changing<Answer extends TSchema>(
  answer: Answer,
  { summary, description, refusals }: { summary: string; description?: string; refusals: readonly RefusalCode[] },
) {
  return {
    params: IdParams,
    query: NoQuerySchema,
    body: ReasonBody,
    response: { 200: answer },
    detail: { summary, ...(description === undefined ? {} : { description }), ...refuses(...refusals) },
  };
}

/** Does what costs or moves something once for the operator's key; `route` names it with the thing's id. */
export async function onceForKey<Answer>(
  asked: Asked & {
    headers: { "idempotency-key"?: string | undefined };
    ctx: Context;
    set: { headers: Record<string, unknown> };
  },
  route: string,
  work: (tx: Context) => Promise<{ answer: Answer; status: number }>,
): Promise<IdempotentAnswer<Answer>["answer"]> {
  const { headers, person, body, set } = asked;
  const done = await once(asked.ctx, { userId: person.id, key: headers["idempotency-key"], route, body }, work);
  if (done.replayed) set.headers["idempotency-replayed"] = "true";
  return done.answer;
}
