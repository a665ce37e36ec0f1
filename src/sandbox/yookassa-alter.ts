/** A payment shown other than it is, as the switch `yookassa.object` asks; the books keep the truth. */
export function alteredPayment(payment: Record<string, unknown>, mode: string | undefined): unknown {
  const value = Number((payment.amount as { value: string }).value);
  const amount = (roubles: number): object => ({ ...payment, amount: { value: roubles.toFixed(2), currency: "RUB" } });
  switch (mode) {
    case undefined:
      return payment;
    case "underpaid":
      return amount(Math.max(0.01, value - 1));
    case "overpaid":
      return amount(value + 100);
    case "foreign_currency":
      return inCurrency(payment, "USD");
    case "other_order":
      return { ...payment, metadata: { ...(payment.metadata as object), order_id: "an-order-of-somebody-else" } };
    case "no_metadata":
      return { ...payment, metadata: {} };
    case "test_flipped":
      return { ...payment, test: payment.test !== true };
    case "unknown_status":
      return { ...payment, status: "being_considered" };
    case "odd_amount":
      return { ...payment, amount: { value: String(value), currency: "RUB" } };
    default:
      return { id: payment.id, state: "ok" };
  }
}

/** Every sum of the payment in another currency, as a payment made in it would show them. */
function inCurrency(payment: Record<string, unknown>, currency: string): object {
  const isSum = (value: unknown): value is object => typeof value === "object" && value !== null && "currency" in value;
  return Object.fromEntries(
    Object.entries(payment).map(([name, value]) => [name, isSum(value) ? { ...value, currency } : value]),
  );
}
