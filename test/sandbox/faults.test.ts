import { describe, expect, test } from "bun:test";
import { createFaults, type Faults } from "../../src/sandbox/faults.ts";

const CATALOGUE = {
  "shop.pay": { about: "Payments.", modes: ["refused", "late"] },
  "shop.list": { about: "Lists.", modes: ["empty"] },
};

async function ask(
  faults: Faults,
  method: string,
  body?: unknown,
  query = "",
): Promise<{ status: number; body: unknown }> {
  const request = new Request(`http://127.0.0.1/_faults${query}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const response = await faults.handle(request);
  return { status: response.status, body: await response.json() };
}

describe("fault switches", () => {
  test("strike nothing until they are set, then as often as was said", () => {
    const faults = createFaults(CATALOGUE);
    expect(faults.strike("shop.pay")).toBeUndefined();
    faults.set("shop.pay", { mode: "refused", times: 2, delayMs: 5 });
    expect(faults.strike("shop.list")).toBeUndefined();
    expect(faults.strike("shop.pay")).toEqual({ mode: "refused", delayMs: 5 });
    expect(faults.active()).toEqual({ "shop.pay": { mode: "refused", times: 1, delayMs: 5 } });
    expect(faults.strike("shop.pay")).toBeDefined();
    expect(faults.strike("shop.pay")).toBeUndefined();
    expect(faults.active()).toEqual({});
  });

  test("strike with their probability, the same for the same seed", () => {
    const draw = (seed: number): boolean[] => {
      const faults = createFaults(CATALOGUE);
      faults.set("shop.pay", { mode: "late", probability: 0.3, seed });
      return Array.from({ length: 500 }, () => faults.strike("shop.pay") !== undefined);
    };
    const struck = draw(1).filter(Boolean).length;
    expect(struck).toBeGreaterThan(100);
    expect(struck).toBeLessThan(200);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(2)).not.toEqual(draw(1));
    const never = createFaults(CATALOGUE);
    never.set("shop.pay", { mode: "late", probability: 0 });
    expect(never.strike("shop.pay")).toBeUndefined();
  });

  test("are shown, set and cleared over HTTP", async () => {
    const faults = createFaults(CATALOGUE);
    expect(await ask(faults, "GET")).toEqual({ status: 200, body: { active: {}, allowed: CATALOGUE } });
    const set = await ask(faults, "PUT", { "shop.pay": { mode: "late" }, "shop.list": { mode: "empty", times: 3 } });
    expect(set.body).toMatchObject({ active: { "shop.pay": { mode: "late" }, "shop.list": { times: 3 } } });
    expect((await ask(faults, "PUT", { "shop.list": null })).body).toMatchObject({ active: { "shop.pay": {} } });
    expect(faults.active()).not.toHaveProperty("shop.list");
    faults.set("shop.list", { mode: "empty" });
    await ask(faults, "DELETE", undefined, "?name=shop.list");
    expect(Object.keys(faults.active())).toEqual(["shop.pay"]);
    await ask(faults, "DELETE");
    expect(faults.active()).toEqual({});
  });

  test("refuse what they do not know with a sentence, and then change nothing", async () => {
    const faults = createFaults(CATALOGUE);
    const rows: [body: unknown, sentence: RegExp][] = [
      ["{", /Send an object/],
      [[], /Send an object/],
      [{ "shop.steal": { mode: "late" } }, /no fault "shop.steal".*shop\.pay, shop\.list/],
      [{ "shop.pay": { mode: "empty" } }, /no mode "empty".*refused, late/],
      [{ "shop.pay": {} }, /"\/mode"/],
      [{ "shop.pay": "late" }, /not right/],
      [{ "shop.pay": { mode: "late", times: 0 } }, /"\/times"/],
      [{ "shop.pay": { mode: "late", probability: 2 } }, /"\/probability"/],
      [{ "shop.pay": { mode: "late", delay: 5 } }, /"\/delay"/],
      [{ "shop.list": { mode: "empty" }, "shop.pay": { mode: "empty" } }, /no mode/],
    ];
    for (const [body, sentence] of rows) {
      const answer = await ask(faults, "PUT", body);
      expect(answer.status).toBe(422);
      expect((answer.body as { detail: string }).detail).toMatch(sentence);
      expect(faults.active()).toEqual({});
    }
    expect((await ask(faults, "POST", {})).status).toBe(405);
    expect(() => faults.set("shop.pay", { mode: "empty" })).toThrow('no mode "empty"');
  });
});
