import { Elysia, t } from "elysia";
import type { Context } from "../../../context.ts";
import { ACTIONS } from "../../../platform/config/catalogue.ts";
import { isLoopback } from "../../../platform/config/load.ts";
import { Refusal } from "../../../platform/errors.ts";
import { once } from "../../../platform/http/idempotency.ts";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import {
  closed,
  IdempotencyHeaders,
  IdSchema,
  NoQuerySchema,
  oneOf,
  PageQuerySchema,
  refuses,
} from "../../../platform/http/schemas.ts";
import { kopecksToText } from "../../../platform/money.ts";
import type { guard } from "../../auth/guard.ts";
import { orderPayment, type Payment } from "./orders.ts";
import { ASK_MS_MAX, askProvider } from "./payment-asks.ts";
import { PAYMENT_STATUSES } from "./payment-tables.ts";
import { listPayments, ownPayment, paymentView, receiptUrlOf } from "./payment-view.ts";
import { takeNotice } from "./payment-webhook.ts";

export { isFromProvider } from "./payment-webhook.ts";

const Moment = t.String({ format: "date-time" });
const RETURN_URL_LENGTH_MAX = 2_048;
/** People who wait for the provider at once; a slow provider must not hold every connection of this process. */
const ASKING_COUNT_MAX = 20;

const PaymentSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    status: oneOf(PAYMENT_STATUSES),
    product: t.String({ examples: ["pack_20"] }),
    credits: t.Integer({ examples: [20] }),
    amount: t.String({ description: "Roubles.", examples: ["149.00"] }),
    amount_kopecks: t.Integer({ examples: [14_900] }),
    currency: t.String({ examples: ["RUB"] }),
    refunded: t.String({ description: "Roubles given back.", examples: ["0.00"] }),
    confirmation_url: t.Optional(t.String({ description: "Where the person pays, while paying is possible." })),
    cancel_reason: t.Optional(t.String()),
    receipt_url: t.Optional(t.String()),
    test: t.Boolean({ description: "Paid in a test shop: no money has moved." }),
    created_at: Moment,
    paid_at: t.Optional(Moment),
  },
  { ...closed, title: "Payment" },
);

const ProductSchema = t.Object(
  {
    key: t.String({ examples: ["pack_20"] }),
    credits: t.Integer({ examples: [20] }),
    price: t.String({ description: "Roubles.", examples: ["149.00"] }),
    price_kopecks: t.Integer({ examples: [14_900] }),
    available: t.Boolean({ description: "Whether it can be bought now." }),
  },
  closed,
);

const CatalogueSchema = t.Object(
  {
    currency: t.Literal("RUB"),
    packs: t.Array(ProductSchema),
    plans: t.Array(ProductSchema),
    auto_renewal: t.Boolean({ description: "Whether a plan can renew itself from a stored card." }),
    actions: t.Array(t.Object({ key: oneOf(ACTIONS), credits: t.Integer({ examples: [2] }) }, closed)),
    free_actions_per_month: t.Integer({ examples: [10] }),
  },
  { ...closed, title: "Catalogue" },
);

/** What is sold, and for how much. Public: people look before they sign in. */
export function planRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ tags: ["payments"] }).use(guarded).get("/plans", ({ ctx }) => catalogueView(ctx), {
    anyone: "read",
    query: NoQuerySchema,
    response: { 200: CatalogueSchema },
    detail: { summary: "Packs, plans and prices of actions", security: [] },
  });
}

function catalogueView({ catalogue, settings, paymentProvider }: Context) {
  const product = (one: { key: string; credits: number; price_kopecks: number }) => ({
    ...one,
    price: kopecksToText(one.price_kopecks),
    available: paymentProvider !== null,
  });
  return {
    currency: "RUB" as const,
    packs: catalogue.packs.map(product),
    plans: catalogue.plans.map(product),
    auto_renewal: settings.YOOKASSA_AUTOPAYMENTS === "on",
    actions: ACTIONS.map((key) => ({ key, credits: catalogue.actions[key] })),
    free_actions_per_month: settings.FREE_ACTIONS_PER_MONTH,
  };
}

/** Buying. */
export function paymentRoutes(guarded: ReturnType<typeof guard>) {
  let asking = 0;
  /** Waits a bounded time for the payment page; the order goes on without the waiter. */
  const pageFor = async (ctx: Context, payment: Payment): Promise<Payment> => {
    if (payment.confirmationUrl !== null || payment.status !== "pending") return payment;
    const late = new Refusal("payment_provider_unavailable", { retry_after: 10, payment_id: payment.id });
    if (asking >= ASKING_COUNT_MAX) throw late;
    asking += 1;
    const asked = askProvider(ctx, payment).finally(() => {
      asking -= 1;
    });
    asked.catch(() => {});
    let timer: Timer | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late), ASK_MS_MAX);
    });
    return Promise.race([asked, patience]).finally(() => clearTimeout(timer));
  };
  return new Elysia({ prefix: "/payments", tags: ["payments"] })
    .use(guarded)
    .post(
      "/create",
      async ({ body, headers, person, ctx, status, set }) => {
        const returnUrl = checkedReturnUrl(ctx, body.return_url);
        const request = { userId: person.id, key: headers["idempotency-key"], route: "POST /payments/create", body };
        const ordered = await once(ctx, request, async (tx) => {
          const payment = await orderPayment(tx, {
            userId: person.id,
            product: body.product,
            returnUrl,
            saveMethod: body.save_method === true,
          });
          return { answer: { id: payment.id }, status: 201 };
        });
        if (ordered.replayed) set.headers["idempotency-replayed"] = "true";
        const payment = await pageFor(ctx, await ownPayment(ctx, person.id, ordered.answer.id));
        return status(201, { payment: paymentView(payment) });
      },
      {
        signedIn: "generate",
        headers: IdempotencyHeaders,
        query: NoQuerySchema,
        body: t.Object(
          {
            product: t.String({ maxLength: 64, description: "A key of `GET /plans`." }),
            return_url: t.Optional(
              t.String({
                maxLength: RETURN_URL_LENGTH_MAX,
                description: "Where the person comes back to, paid or not. Default: the Mini App.",
              }),
            ),
            save_method: t.Optional(
              t.Boolean({
                description:
                  "The person allows the card to be stored and charged for each period of the plan. Plans only; has no effect where the owner has not switched that on.",
              }),
            ),
          },
          { ...closed, examples: [{ product: "pack_20" }] },
        ),
        response: { 201: t.Object({ payment: PaymentSchema }, closed) },
        detail: {
          summary: "Order a pack or a plan",
          description:
            "A second tap with an open payment for the same product returns that one. A dearer plan than the present one costs less by its unused part; `GET /subscription/change` says how much.",
          ...refuses("payment_provider_unavailable", "plan_not_now"),
        },
      },
    )
    .get(
      "/",
      async ({ query, person, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listPayments(ctx, person.id, { before, limit: limit + 1 });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: items.map((row) => paymentView(row)), next_cursor };
      },
      {
        signedIn: "read",
        query: t.Object(PageQuerySchema, closed),
        response: {
          200: t.Object(
            { items: t.Array(PaymentSchema), next_cursor: t.Nullable(t.String(), { examples: [null] }) },
            closed,
          ),
        },
        detail: { summary: "My payments, newest first" },
      },
    )
    .get(
      "/:id",
      async ({ params, person, ctx }) => {
        const payment = await ownPayment(ctx, person.id, params.id);
        return paymentView(payment, await receiptUrlOf(ctx, payment.id));
      },
      {
        signedIn: "read",
        params: t.Object({ id: IdSchema }),
        query: NoQuerySchema,
        response: { 200: PaymentSchema },
        detail: { summary: "One payment", ...refuses("not_found") },
      },
    )
    .post(
      "/webhook",
      async ({ body, request, ctx, addressOf }) => {
        await takeNotice(ctx, { body, address: addressOf(request) });
        return { status: "ok" as const };
      },
      {
        hint: "yookassa",
        query: NoQuerySchema,
        body: t.Unknown({ description: "As YooKassa sends it; a hint, always re-read." }),
        response: { 200: t.Object({ status: t.Literal("ok") }, closed) },
        detail: { summary: "YooKassa says that something happened", security: [], ...refuses("busy") },
      },
    );
}

/** An absolute https address, or http on loopback where providers may be there too. */
function checkedReturnUrl(ctx: Pick<Context, "settings">, given: string | undefined): string {
  if (given === undefined) return `${ctx.settings.PUBLIC_URL}/`;
  const url = URL.parse(given);
  const isLocal = url?.protocol === "http:" && ctx.settings.PROVIDER_LOOPBACK === "allow" && isLoopback(url.hostname);
  if (url?.username === "" && (url.protocol === "https:" || isLocal)) return given;
  throw new Refusal("validation_failed", {
    errors: [{ path: "/body/return_url", message: "must be an absolute https address" }],
  });
}
