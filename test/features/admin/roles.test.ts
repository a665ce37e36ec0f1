import { beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { type RouteAccess, routeAccess } from "../../../src/access.ts";
import { auditEntries } from "../../../src/features/audit/index.ts";
import { operators } from "../../../src/features/auth/tables.ts";
import { users } from "../../../src/features/profile/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { type Person, useTestApp } from "../../support/app.ts";
import { admin, type Operators, OWNER_SETTING, signInOperators } from "../../support/operators.ts";

const ROLES = ["viewer", "support", "owner"] as const;
const ROUTES = routeAccess.filter((route) => route.path.startsWith("/api/v1/admin/"));
const GUARDED = ROUTES.filter((route) => route.access !== "anyone");

const shared = useTestApp({ settings: OWNER_SETTING });
let team: Operators;
let person: Person;
let banned: Person;
beforeAll(async () => {
  team = await signInOperators(shared());
  person = await shared().signIn();
  banned = await shared().signIn();
  const { ctx } = shared();
  await ctx.db.insert(operators).values({ userId: banned.id, role: "owner", createdAt: ctx.clock.now() });
  await ctx.db.update(users).set({ bannedAt: ctx.clock.now() }).where(eq(users.id, banned.id));
});

/** What the route answers to somebody, asked about things that never were; a body that it takes comes along. */
async function ask(route: RouteAccess, as: Person | undefined): Promise<{ status: number; code: unknown }> {
  const path = route.path.replace("/api/v1/admin", "").replaceAll(":id", newId());
  const body = route.method === "POST" ? { reason: "a test of roles", ...bodyOf(path) } : undefined;
  const { status, body: answer } = await admin<{ code?: unknown }>(shared(), as, path, body);
  return { status, code: answer.code };
}

function bodyOf(path: string): Record<string, unknown> {
  if (path.endsWith("/grant")) return { credits: 1 };
  if (path.endsWith("/message")) return { text: "hello" };
  if (path.endsWith("/refund")) return { amount_kopecks: 100 };
  if (path === "/broadcasts" || path.endsWith("/change")) return { segment: "all", text_ru: "да", text_en: "yes" };
  if (path.endsWith("/maintenance")) return { on: false };
  if (path.endsWith("/register")) return { receipt: "20ab3kq9zx" };
  return {};
}

describe("every route of the owner's panel", () => {
  test("is known, and each change asks for more than looking", () => {
    expect(GUARDED.length).toBeGreaterThan(30);
    expect(new Set(GUARDED.map((route) => route.access))).toEqual(new Set(ROLES));
    for (const route of GUARDED) if (route.method !== "GET") expect(route.access).not.toBe("viewer");
    expect(ROUTES.filter((route) => route.access === "anyone").map((route) => route.path)).toEqual([
      "/api/v1/admin/sign-in",
    ]);
  });

  test.each(GUARDED)("$method $path lets in $access and above, and nobody else", async (route) => {
    expect(await ask(route, undefined)).toEqual({ status: 401, code: "unauthenticated" });
    expect(await ask(route, person)).toEqual({ status: 403, code: "forbidden" });
    expect(await ask(route, banned)).toEqual({ status: 403, code: "banned" });
    for (const role of ROLES) {
      const { status, code } = await ask(route, team[role]);
      const isLetIn = ROLES.indexOf(role) >= ROLES.indexOf(route.access as (typeof ROLES)[number]);
      if (!isLetIn) expect([role, status, code]).toEqual([role, 403, "forbidden"]);
      else if (route.path.includes(":id")) expect([role, status, code]).toEqual([role, 404, "not_found"]);
      else expect([role, [200, 201].includes(status)]).toEqual([role, true]);
    }
  });

  test("refuses a change without a reason, with an empty one and with anything surplus, and writes nothing down", async () => {
    const { ctx } = shared();
    const before = await ctx.db.$count(auditEntries);
    for (const route of GUARDED.filter(({ method }) => method === "POST")) {
      const path = route.path.replace("/api/v1/admin", "").replaceAll(":id", newId());
      for (const json of [
        bodyOf(path),
        { ...bodyOf(path), reason: "" },
        { ...bodyOf(path), reason: "    " },
        { ...bodyOf(path), reason: "x".repeat(501) },
        { ...bodyOf(path), reason: "a good one", surplus: 1 },
      ]) {
        const { status, body } = await admin(shared(), team.owner, path, json);
        expect([path, json, status, body.code]).toEqual([path, json, 422, "validation_failed"]);
      }
    }
    expect(await ctx.db.$count(auditEntries)).toBe(before);
  });

  test("refuses an unknown query parameter", async () => {
    for (const route of GUARDED) {
      const path = `${route.path.replace("/api/v1/admin", "").replaceAll(":id", newId())}?surplus=1`;
      const json = route.method === "POST" ? { reason: "a good one", ...bodyOf(path.split("?")[0] ?? "") } : undefined;
      const { status, body } = await admin(shared(), team.owner, path, json);
      expect([path, status, body.code]).toEqual([path, 422, "validation_failed"]);
    }
  });

  test("shuts out at once whoever loses the role, and follows a changed one", async () => {
    const { ctx, signIn } = shared();
    const helper = await signIn();
    const createdAt = ctx.clock.now();
    await ctx.db.insert(operators).values({ userId: helper.id, role: "support", createdAt });
    expect((await admin(shared(), helper, "/audit")).status).toBe(200);
    await ctx.db.update(operators).set({ role: "viewer" }).where(eq(operators.userId, helper.id));
    expect((await admin(shared(), helper, "/audit")).status).toBe(403);
    expect((await admin(shared(), helper, "/me")).body).toMatchObject({ role: "viewer", person: { id: helper.id } });
    await ctx.db.delete(operators).where(eq(operators.userId, helper.id));
    expect((await admin(shared(), helper, "/me")).status).toBe(403);
  });
});
