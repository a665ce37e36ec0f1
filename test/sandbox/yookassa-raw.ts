import type { YooKassaLane } from "./yookassa-lane.ts";

/** The least that a create of a payment says. */
export const BODY = {
  amount: { value: "149.00", currency: "RUB" },
  capture: true,
  confirmation: { type: "redirect", return_url: "https://example.com/back" },
};

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Calls by bare HTTP, where the client would not let us say such things. */
export interface RawCalls {
  /** `key` is one of its own unless given; null sends none. `auth` stands for shop and key of the lane. */
  call(
    method: string,
    path: string,
    more?: { body?: unknown; key?: string | null; type?: string; auth?: string },
  ): Promise<Answer>;
  /** Asks for a payment. */
  create(body: unknown, key?: string | null): Promise<Answer>;
}

export function rawCalls(lane: () => YooKassaLane): RawCalls {
  const calls: RawCalls = {
    async call(method, path, more = {}) {
      const { emulator } = lane();
      const auth = more.auth ?? btoa(`${emulator.shopId}:${emulator.secretKey}`);
      const response = await fetch(emulator.url + path, {
        method,
        headers: {
          authorization: `Basic ${auth}`,
          ...(more.body === undefined ? {} : { "content-type": more.type ?? "application/json" }),
          ...(more.key === null ? {} : { "idempotence-key": more.key ?? crypto.randomUUID() }),
        },
        ...(more.body === undefined
          ? {}
          : { body: typeof more.body === "string" ? more.body : JSON.stringify(more.body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    create: (body, key) => calls.call("POST", "/payments", { body, ...(key === undefined ? {} : { key }) }),
  };
  return calls;
}
