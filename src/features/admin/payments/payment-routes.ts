import { Elysia } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { IdempotencyHeaders, NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { CSV_RESPONSES, csvAnswer } from "../csv.ts";
import { IdParams, pageSchema } from "../schemas.ts";
import { anyPayment, paymentCard, paymentRows, refundRow } from "./payment-card.ts";
import { listPayments, paymentsCsv } from "./payment-list.ts";
import {
  PaymentCard,
  PaymentRow,
  PaymentsExportQuery,
  PaymentsQuery,
  RefundAnswer,
  RefundBody,
  RefundPreviewAnswer,
  RefundQuery,
} from "./payment-schemas.ts";
import { previewByOperator, refundByOperator } from "./refund.ts";

/** Payments, and giving money back. */
export function adminPaymentRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/payments", tags: ["admin"] })
    .use(guarded)
    .get(
      "/",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const rows = await listPayments(ctx, query, { before, limit: limit + 1 });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: await paymentRows(ctx, items), next_cursor };
      },
      {
        viewer: "read",
        query: PaymentsQuery,
        response: { 200: pageSchema(PaymentRow) },
        detail: { summary: "Payments, newest first" },
      },
    )
    .get(
      "/export",
      ({ query, ctx, set }) => csvAnswer(paymentsCsv(ctx, query), "payments.csv", String(set.headers["x-request-id"])),
      {
        owner: "generate",
        query: PaymentsExportQuery,
        detail: { summary: "The same list whole, as CSV", responses: CSV_RESPONSES },
      },
    )
    .get("/:id", ({ params, ctx }) => paymentCard(ctx, params.id), {
      viewer: "read",
      params: IdParams,
      query: NoQuerySchema,
      response: { 200: PaymentCard },
      detail: { summary: "One payment with its refunds and tax entries", ...refuses("not_found") },
    })
    .get(
      "/:id/refund",
      async ({ params, query, ctx }) => previewByOperator(ctx, await anyPayment(ctx, params.id), query.amount_kopecks),
      {
        viewer: "read",
        params: IdParams,
        query: RefundQuery,
        response: { 200: RefundPreviewAnswer },
        detail: { summary: "What a refund would do", ...refuses("not_found") },
      },
    )
    .post(
      "/:id/refund",
      async ({ params, body, headers, person, ctx }) => {
        const refund = await refundByOperator(ctx, {
          operatorId: person.id,
          payment: await anyPayment(ctx, params.id),
          amountKopecks: body.amount_kopecks,
          reason: body.reason,
          key: headers["idempotency-key"],
        });
        const [payment] = await paymentRows(ctx, [await anyPayment(ctx, params.id)]);
        return { refund: refundRow(refund), payment: payment as NonNullable<typeof payment> };
      },
      {
        owner: "write",
        headers: IdempotencyHeaders,
        params: IdParams,
        query: NoQuerySchema,
        body: RefundBody,
        response: { 200: RefundAnswer },
        detail: {
          summary: "Give money back",
          description: "A refund that stays `pending` is asked about until it has ended.",
          ...refuses("not_found", "payment_provider_unavailable"),
        },
      },
    );
}
