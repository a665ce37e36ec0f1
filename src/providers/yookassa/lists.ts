import type { PaymentStatus, RefundStatus } from "./wire.ts";

interface ListFilter {
  /** From this moment on. */
  createdFrom?: Date;
  /** Up to this moment, itself not included. */
  createdBefore?: Date;
  /** 1 to 100; the provider's default is 10. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
  requestId?: string;
}

export interface PaymentFilter extends ListFilter {
  status?: PaymentStatus;
}

export interface RefundFilter extends ListFilter {
  status?: RefundStatus;
  paymentId?: string;
}

/** One page of a list. */
export interface ListOf<T> {
  items: T[];
  /** Null on the last page. */
  nextCursor: string | null;
  /** Objects on this page that could not be read; the log has them as an error. */
  unreadableCount: number;
}

/** The query of a list, with its question mark; empty when nothing is asked for. */
export function listQuery(filter: ListFilter & { status?: string; paymentId?: string }): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) query.set(name, value);
  };
  set("created_at.gte", filter.createdFrom?.toISOString());
  set("created_at.lt", filter.createdBefore?.toISOString());
  set("status", filter.status);
  set("payment_id", filter.paymentId);
  set("limit", filter.limit?.toString());
  set("cursor", filter.cursor);
  return query.size === 0 ? "" : `?${query}`;
}
