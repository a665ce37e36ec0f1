import { Elysia, t } from "elysia";
import { once } from "../../platform/http/idempotency.ts";
import { closed, IdempotencyHeaders, NoQuerySchema, oneOf, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { SUBSCRIPTION_TYPES } from "../profile/index.ts";
import { redeemPromoCode } from "./redeem.ts";

const CODE_LENGTH_MAX = 64;

const RedeemedSchema = t.Object(
  {
    code: t.String({ examples: ["SPRING2026"] }),
    credits: t.Nullable(t.Integer({ minimum: 1, description: "Credits that the code gave." }), { examples: [20] }),
    plan: t.Nullable(
      t.Object({ type: oneOf(SUBSCRIPTION_TYPES), days: t.Integer({ minimum: 1, examples: [7] }) }, closed),
      {
        description:
          "Days that the code gave. Whoever has a subscription has it for so much longer, whatever its plan.",
        examples: [null],
      },
    ),
  },
  { ...closed, title: "RedeemedCode" },
);

/** Codes that the owner gives away. */
export function promoRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/promo", tags: ["promo"] }).use(guarded).post(
    "/redeem",
    async ({ body, headers, person, ctx, set }) => {
      const request = { userId: person.id, key: headers["idempotency-key"], route: "POST /promo/redeem", body };
      const { answer, replayed } = await once(ctx, request, async (tx) => {
        const { code, credits, plan, days } = await redeemPromoCode(tx, { userId: person.id, code: body.code });
        const given = plan === null || days === null ? null : { type: plan, days };
        return { answer: { code, credits, plan: given }, status: 200 };
      });
      if (replayed) set.headers["idempotency-replayed"] = "true";
      return answer;
    },
    {
      signedIn: "guess",
      headers: IdempotencyHeaders,
      query: NoQuerySchema,
      body: t.Object(
        {
          code: t.String({
            minLength: 1,
            maxLength: CODE_LENGTH_MAX,
            description: "As the person types it: case, spaces and hyphens do not matter.",
          }),
        },
        { ...closed, examples: [{ code: "spring-2026" }] },
      ),
      response: { 200: RedeemedSchema },
      detail: {
        summary: "Use a promo code",
        description: "A code works once for each person. After ten tries there is one more every six minutes.",
        ...refuses("promo_unknown", "promo_expired", "promo_used", "promo_exhausted"),
      },
    },
  );
}
