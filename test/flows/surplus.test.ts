import { beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../src/platform/ids.ts";
import type { Person } from "../support/app.ts";
import { order, uploadPhotos } from "../support/fitting.ts";
import { type Ask, PERSON_ROUTES, useOwner } from "../support/owner.ts";

const front = useOwner();
const { shared, ask, asksFor } = front;
let other: Person;
beforeAll(() => {
  other = front.other();
});

describe("what nobody asked for", () => {
  test("an unknown query parameter is refused on every route for people", async () => {
    for (const route of PERSON_ROUTES) {
      for (const asked of asksFor(route).slice(0, 1)) {
        const { status, problem } = await ask({ ...asked, path: `${asked.path}?surplus=1`, as: other });
        expect([asked.path, status, problem.code]).toEqual([asked.path, 422, "validation_failed"]);
      }
    }
  });

  test("an unknown member of a body is refused and named", async () => {
    const bodies: [string, object][] = [
      ["/auth/telegram", { init_data: "x" }],
      ["/auth/refresh", { refresh_token: "x" }],
      ["/auth/logout", {}],
      ["/promo/redeem", { code: "SPRING2026" }],
      ["/fitting/generate", { user_photo_id: newId(), item_photo_id: newId(), zone: "top" }],
    ];
    for (const [path, json] of bodies) {
      const { status, problem } = await ask({ path, method: "POST", json: { ...json, surplus: 1 }, as: other });
      expect([path, status, problem.errors?.map((error) => error.path)]).toEqual([path, 422, ["/body/surplus"]]);
    }
    expect((await shared().request("/profile", { as: other })).status).toBe(200);
  });

  const RUBBISH = [
    "%00",
    "%E0%A4%A",
    "..%2f..%2fetc%2fpasswd",
    "'%20or%201=1--",
    "-1",
    "x".repeat(4_000),
    "%F0%9F%92%A9",
  ];
  test("rubbish in paths, queries and bodies is refused, and never a fault of ours", async () => {
    const asks: Ask[] = RUBBISH.flatMap((text) => [
      { path: `/generations/${text}` },
      { path: `/generations/${text}/cancel`, method: "POST" },
      { path: `/generations?cursor=${text}` },
      { path: `/generations?limit=${text}` },
      { path: `/generations?status=${text}` },
      { path: `/balance/entries?cursor=${text}` },
      { path: `/referrals?cursor=${text}` },
      { path: "/promo/redeem", method: "POST", json: { code: text } },
      { path: `/live/events?since=${text}` },
      { path: `/files/${text}` },
      { path: `/kie/callback/${text}`, method: "POST", json: { data: { taskId: "x" } } },
      { path: `/${text}` },
    ]);
    const bodies = [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "{}",
      '{"__proto__":{"admin":true}}',
      `${"[".repeat(20_000)}`,
      "\u0000",
      "\xff",
    ];
    for (const body of bodies) {
      const headers = { "content-type": "application/json" };
      for (const path of ["/auth/telegram", "/auth/refresh", "/fitting/generate", "/promo/redeem", "/kie/callback/x"]) {
        asks.push({ path, method: "POST", body, headers });
      }
    }
    for (const asked of asks) {
      const { status } = await ask({ ...asked, as: other });
      expect([asked.path.slice(0, 80), status >= 400 && status < 500]).toEqual([asked.path.slice(0, 80), true]);
    }
  });

  test("words that are hard to store are stored or refused", async () => {
    const photos = await uploadPhotos(shared(), other);
    for (const note of [
      "\u0000null",
      "\ud800 half a pair",
      "\u202egnp.exe",
      "\uffff",
      "👩🏽‍🚀",
      "'; drop table users; --",
    ]) {
      const response = await order(shared(), other, photos, { note });
      expect([202, 400, 422, 429]).toContain(response.status);
      if (response.status !== 202) continue;
      const { id } = (await response.json()) as { id: string };
      await shared().request(`/generations/${id}/cancel`, { method: "POST", as: other });
    }
  });
});

test("none of this was a fault of ours", () => {
  expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
