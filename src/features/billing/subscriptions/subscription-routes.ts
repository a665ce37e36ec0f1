import { Elysia, t } from "elysia";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { closed, NoQuerySchema, oneOf, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { SUBSCRIPTION_TYPES } from "../../profile/index.ts";
import { liveSubscription, type Plan } from "./plan-terms.ts";
import { cancelRenewal, choosePlan, forgetMethod, previewChange, resumeRenewal } from "./subscription-choices.ts";
import { SUBSCRIPTION_STATES } from "./subscription-tables.ts";
import { planChangeView, subscriptionView } from "./subscription-view.ts";

const Moment = t.String({ format: "date-time" });
const PlanType = oneOf(SUBSCRIPTION_TYPES, { examples: ["pro"] });
const price = {
  amount: t.String({ description: "Roubles.", examples: ["690.00"] }),
  amount_kopecks: t.Integer({ examples: [69_000] }),
};

const SubscriptionSchema = t.Object(
  {
    type: PlanType,
    state: oneOf(SUBSCRIPTION_STATES, {
      description: "`grace`: the paid time is over, and a charge is still being tried.",
      examples: ["active"],
    }),
    ends_at: Moment,
    ...price,
    credits: t.Integer({ description: "Of each period.", examples: [140] }),
    auto_renew: t.Boolean(),
    method: t.Nullable(t.Object({ title: t.Nullable(t.String({ examples: ["Bank card *4477"] })) }, closed)),
    next_charge_at: t.Nullable(Moment, { description: "Known from the day before on." }),
    next_plan: t.Nullable(t.Object({ type: PlanType, ...price, credits: t.Integer() }, closed), { examples: [null] }),
  },
  { ...closed, title: "Subscription" },
);

const PlanChangeSchema = t.Object(
  {
    change: oneOf(["none", "purchase", "extension", "upgrade", "downgrade"], { examples: ["upgrade"] }),
    ...price,
    price_kopecks: t.Integer({ description: "Of each period from then on." }),
    unused_kopecks: t.Integer({ description: "Counted against the price: the unused part of the present plan." }),
    credits_counted: t.Integer({ description: "Unused credits that end with the upgrade." }),
    starts_at: Moment,
  },
  { ...closed, title: "PlanChange" },
);

const answers = { 200: t.Object({ subscription: SubscriptionSchema }, closed) };
const view = async (changed: Promise<Parameters<typeof subscriptionView>[0]>) => ({
  subscription: subscriptionView(await changed),
});

/** The plan of that name; one that the catalogue no longer has is `not_found`. */
function planOf(ctx: Context, type: string): Plan {
  const plan = ctx.catalogue.plans.find(({ key }) => key === type);
  if (!plan) throw new Refusal("not_found");
  return plan;
}

/** The person's subscription. Buying one is `POST /payments/create`. */
export function subscriptionRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/subscription", tags: ["payments"] })
    .use(guarded)
    .get(
      "/",
      async ({ person, ctx }) => {
        const running = await liveSubscription(ctx, person.id);
        return { subscription: running && subscriptionView(running) };
      },
      {
        signedIn: "read",
        query: NoQuerySchema,
        response: { 200: t.Object({ subscription: t.Nullable(SubscriptionSchema) }, closed) },
        detail: { summary: "My subscription" },
      },
    )
    .get(
      "/change",
      async ({ query, person, ctx }) => planChangeView(await previewChange(ctx, person.id, planOf(ctx, query.plan))),
      {
        signedIn: "read",
        query: t.Object({ plan: PlanType }, closed),
        response: { 200: PlanChangeSchema },
        detail: { summary: "What choosing a plan would do and cost", ...refuses("not_found") },
      },
    )
    .post("/change", ({ body, person, ctx }) => view(choosePlan(ctx, person.id, planOf(ctx, body.plan))), {
      signedIn: "generate",
      query: NoQuerySchema,
      body: t.Object({ plan: PlanType }, closed),
      response: answers,
      detail: {
        summary: "A cheaper plan from the next period on",
        description: "Nothing is charged. The present plan takes the wish back. A dearer one is bought instead.",
        ...refuses("no_subscription", "upgrade_needs_payment", "not_found"),
      },
    })
    .post("/cancel", ({ person, ctx }) => view(cancelRenewal(ctx, person.id)), {
      signedIn: "generate",
      query: NoQuerySchema,
      response: answers,
      detail: {
        summary: "Switch the renewal off",
        description: "At once. What is paid stays until its end.",
        ...refuses("no_subscription"),
      },
    })
    .post("/resume", ({ person, ctx }) => view(resumeRenewal(ctx, person.id)), {
      signedIn: "generate",
      query: NoQuerySchema,
      response: answers,
      detail: { summary: "Switch the renewal on again", ...refuses("no_subscription", "no_stored_method") },
    })
    .delete("/method", ({ person, ctx }) => view(forgetMethod(ctx, person.id)), {
      signedIn: "generate",
      query: NoQuerySchema,
      response: answers,
      detail: {
        summary: "Forget the stored card",
        description: "Nothing is charged any more; what is paid stays until its end.",
        ...refuses("no_subscription"),
      },
    });
}
