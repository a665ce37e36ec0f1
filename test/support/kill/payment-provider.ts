import type { PaymentProvider } from "../../../src/providers/payment-provider.ts";
import { yooKassaProvider as realProvider } from "../../../src/providers/yookassa/payment-provider.ts";
import { killPoint } from "./points.ts";

/** Stands in for the real one in the test's build: the same, with a kill point before and after each call. */
export function yooKassaProvider(...parameters: Parameters<typeof realProvider>): PaymentProvider {
  const provider = realProvider(...parameters);
  return {
    ...provider,
    create: (order) => around("create", () => provider.create(order)),
    read: (id) => around("read", () => provider.read(id)),
    refund: (order) => around("refund", () => provider.refund(order)),
    readRefund: (id) => around("readRefund", () => provider.readRefund(id)),
  };
}

async function around<T>(name: string, call: () => Promise<T>): Promise<T> {
  killPoint(`before ${name}`);
  const result = await call();
  killPoint(`after ${name}`);
  return result;
}
