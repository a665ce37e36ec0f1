import { describe, expect, test } from "bun:test";
import { isYooKassaIP, YOOKASSA_IP_RANGES, YOOKASSA_IPV6_RANGE } from "@webzaytsev/yookassa-ts-sdk";
import fc from "fast-check";
import { isTrusted, trustedProxiesFrom } from "../../src/platform/http/client-address.ts";
import { NOTICE_NETWORKS, parseNotice } from "../../src/providers/yookassa/webhook.ts";

const ID = "32f0a1b4-000f-5000-8000-1c7d2e9f4a10";
const notice = (more: Record<string, unknown> = {}): unknown => ({
  type: "notification",
  event: "payment.succeeded",
  object: { id: ID, status: "succeeded", amount: { value: "149.00", currency: "RUB" } },
  ...more,
});

describe("a notice", () => {
  for (const [event, objectType] of [
    ["payment.succeeded", "payment"],
    ["payment.canceled", "payment"],
    ["payment.waiting_for_capture", "payment"],
    ["refund.succeeded", "refund"],
    ["payment_method.active", "payment_method"],
    ["payout.succeeded", "payout"],
    ["deal.closed", "deal"],
  ] as const) {
    test(`of ${event} names a ${objectType} and its id, as JSON and as text`, () => {
      const expected = { event, objectType, objectId: ID };
      expect(parseNotice(notice({ event }))).toEqual(expected);
      expect(parseNotice(JSON.stringify(notice({ event })))).toEqual(expected);
    });
  }

  test("P6 tells nothing but the id: sums and states in it go nowhere", () => {
    const forged = { id: ID, status: "succeeded", paid: true, amount: { value: "100000.00", currency: "RUB" } };
    expect(parseNotice(notice({ object: forged }))).toEqual({
      event: "payment.succeeded",
      objectType: "payment",
      objectId: ID,
    });
  });

  for (const [what, body] of [
    ["nothing", undefined],
    ["null", null],
    ["a number", 7],
    ["an empty text", ""],
    ["a page", "<html>502</html>"],
    ["a list", [notice()]],
    ["an empty object", {}],
    ["another type", notice({ type: "error" })],
    ["no event", notice({ event: undefined })],
    ["an event of another kind", notice({ event: "shop.closed" })],
    ["an event without a dot", notice({ event: "payment" })],
    ["an event with a line break", notice({ event: "payment.succeeded\n" })],
    ["no object", notice({ object: undefined })],
    ["an object that is a list", notice({ object: [] })],
    ["an object without an id", notice({ object: { status: "succeeded" } })],
    ["an id that is a number", notice({ object: { id: 7 } })],
    ["an id that climbs", notice({ object: { id: "../me" } })],
    ["an empty id", notice({ object: { id: "" } })],
    ["a very long id", notice({ object: { id: "a".repeat(65) } })],
  ] as const) {
    test(`P4 with ${what} is null and throws nothing`, () => {
      expect(parseNotice(body)).toBeNull();
    });
  }

  test("P4 made of anything at all throws nothing", () => {
    fc.assert(fc.property(fc.anything(), (body) => void parseNotice(body)));
    fc.assert(fc.property(fc.json(), (body) => void parseNotice(body)));
  });
});

describe("P7 the networks that notices come from", () => {
  const networks = trustedProxiesFrom(NOTICE_NETWORKS);

  test("P7 are the ones that another client knows", () => {
    expect([...NOTICE_NETWORKS].sort()).toEqual([...YOOKASSA_IP_RANGES, YOOKASSA_IPV6_RANGE].sort());
  });

  test("P7 hold their first and last address and not the ones beside them", () => {
    const inside = [
      ...["185.71.76.0", "185.71.76.31", "185.71.77.0", "185.71.77.31", "77.75.153.0", "77.75.153.127"],
      ...["77.75.154.128", "77.75.154.255", "77.75.156.11", "77.75.156.35", "2a02:5180::1", "2a02:5180:0:1509::5"],
    ];
    const outside = [
      ...["185.71.75.255", "185.71.76.32", "185.71.77.32", "77.75.153.128", "77.75.154.127", "77.75.155.0"],
      ...["77.75.156.10", "77.75.156.12", "77.75.156.36", "127.0.0.1", "2a02:517f::1", "2a02:5181::1", "", "x"],
    ];
    for (const address of inside) expect([address, isTrusted(networks, address)]).toEqual([address, true]);
    for (const address of outside) expect([address, isTrusted(networks, address)]).toEqual([address, false]);
    expect(isTrusted(networks, "::ffff:185.71.76.5")).toBe(true);
    expect(inside.slice(0, 10).every((address) => isYooKassaIP(address))).toBe(true);
  });
});
