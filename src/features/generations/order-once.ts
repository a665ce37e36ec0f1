import type { Context } from "../../context.ts";
import { once } from "../../platform/http/idempotency.ts";
import type { User } from "../profile/index.ts";
import type { OrderedGeneration } from "./start.ts";
import { type GenerationView, viewOrdered } from "./view.ts";

/** An order over HTTP: who, under which key, for which route. */
export interface OrderRequest {
  person: Pick<User, "id" | "language">;
  headers: { "idempotency-key"?: string | undefined };
  route: string;
  body: unknown;
  /** The answer's headers. */
  answerHeaders: Record<string, string | number>;
}

/**
 * Accepts an order at most once for a person's key, and answers how the generation stands, with `Idempotency-Replayed`.
 * Throws `StorageFailure` before anything is held when the result could not be stored.
 */
export async function orderOnce(
  ctx: Context,
  request: OrderRequest,
  start: (tx: Context) => Promise<OrderedGeneration>,
): Promise<GenerationView> {
  const { person, headers, route, body } = request;
  await ctx.storage.ping();
  const result = await once(ctx, { userId: person.id, key: headers["idempotency-key"], route, body }, async (tx) => ({
    answer: await viewOrdered(tx, await start(tx), person.language),
    status: 202,
  }));
  if (result.replayed) request.answerHeaders["idempotency-replayed"] = "true";
  return result.answer;
}
