import { isLoopbackHost } from "../address-check.ts";
import type { TaxService } from "../tax-service.ts";
import { LKNPD } from "./classify.ts";
import { createLknpdClient, type LknpdClientOptions } from "./client.ts";

/** The web cabinet of «Мой налог» as a tax service. What does not run on this very machine is taken for the real one. */
export function lknpdService(options: LknpdClientOptions & { fingerprint: () => string }): TaxService {
  const client = createLknpdClient(options);
  return {
    name: LKNPD,
    isReal: !isLoopbackHost(new URL(options.apiUrl).hostname),
    fingerprint: options.fingerprint,
    register: client.income,
    find: client.incomesOf,
    annul: client.cancel,
    read: client.receipt,
    receiptUrl: client.printUrl,
    check: client.user,
  };
}
