import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { auditEntries } from "../../../src/features/audit/index.ts";
import { startTestApp } from "../../support/app.ts";
import { order, uploadPhotos } from "../../support/fitting.ts";
import { admin, OWNER_SETTING, signInOperators } from "../../support/operators.ts";

test("new orders are switched off with a notice and on again, each with its entry in the trail", async () => {
  const app = await startTestApp({ settings: OWNER_SETTING });
  const team = await signInOperators(app);
  const person = await app.signIn();
  const photos = await uploadPhotos(app, person);
  const off = { on: false, by: null, since: null, reason: null, notice_ru: null, notice_en: null, operator: null };
  expect((await admin(app, team.viewer, "/maintenance")).body).toEqual(off);
  const notice = { notice_ru: "Переезжаем.", notice_en: "Moving house." };
  const on = await admin(app, team.owner, "/maintenance", { on: true, ...notice, reason: "a new server" });
  expect(on.body).toMatchObject({
    on: true,
    by: "switch",
    reason: "a new server",
    ...notice,
    operator: { id: team.owner.id },
  });
  expect((await admin(app, team.viewer, "/maintenance")).body).toEqual(on.body);
  const refused = await order(app, person, photos);
  expect([refused.status, ((await refused.json()) as { reason: string }).reason]).toEqual([503, "maintenance"]);
  for (const operator of [team.viewer, team.support]) {
    expect((await admin(app, operator, "/maintenance", { on: false, reason: "not mine" })).status).toBe(403);
  }
  expect((await admin(app, team.owner, "/maintenance", { on: false, reason: "moved" })).body).toEqual(off);
  expect((await order(app, person, photos)).status).toBe(202);
  const trail = await app.ctx.db.select().from(auditEntries).where(eq(auditEntries.action, "maintenance.switch"));
  expect(trail.map((entry) => [entry.reason, entry.before, entry.after])).toEqual([
    ["a new server", { on: false }, { on: true, notice: true }],
    ["moved", { on: true }, { on: false, notice: false }],
  ]);
});
