import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { auditEntries } from "../../../src/features/audit/index.ts";
import { creditGrants } from "../../../src/features/billing/index.ts";
import { personalTables } from "../../../src/features/privacy/index.ts";
import { usePanelTeam } from "../../support/panel-team.ts";

const panel = usePanelTeam();

describe("the audit trail", () => {
  test("has filters and pages, names who did what, and no change stands in it without a reason", async () => {
    const { app, team, ask } = panel();
    const person = await app.signIn();
    for (let number = 0; number < 5; number += 1) {
      await ask(`/people/${person.id}/grant`, { credits: 1, reason: `ticket ${number}` }, team.support);
      await ask(`/people/${person.id}/logout`, { reason: `ticket ${number}` });
    }
    const { body } = await ask(`/audit?operator=${team.support.id}&limit=3`, undefined, team.support);
    expect(body.items?.length).toBe(3);
    for (const entry of body.items ?? []) expect(entry.operator).toMatchObject({ id: team.support.id, name: "Semyon" });
    const next = await ask(`/audit?operator=${team.support.id}&limit=3&cursor=${String(body.next_cursor)}`);
    expect(next.body.items?.some((one) => body.items?.some((other) => other.id === one.id))).toBe(false);
    expect((await ask("/audit?operator=nobody")).body.code).toBe("validation_failed");
    const grants = await ask("/audit?action=person.grant");
    expect(new Set(grants.body.items?.map((one) => one.action))).toEqual(new Set(["person.grant"]));
    const all = await app.ctx.db.select().from(auditEntries);
    expect(all.filter((entry) => entry.reason.trim().length < 3)).toEqual([]);
  });

  test("keeps what was done about a person who erases themselves, without the words", async () => {
    const { app, ask } = panel();
    const { ctx, request, signIn } = app;
    const person = await signIn();
    await ask(`/people/${person.id}/grant`, { credits: 3, reason: "a word about Zelda" });
    await request("/profile", { method: "DELETE", as: person, json: { confirm: "erase" } });
    const [entry] = await ctx.db.select().from(auditEntries).where(eq(auditEntries.personId, person.id));
    expect(personalTables.some((one) => one.table === auditEntries)).toBe(true);
    expect(entry).toMatchObject({ action: "person.grant", reason: "", before: null, after: null });
    expect(await ctx.db.$count(creditGrants, eq(creditGrants.userId, person.id))).toBe(1);
    expect((await ask(`/people/${person.id}`)).body).toMatchObject({ person: { telegram_id: null, name: "" } });
    expect((await ask(`/people/${person.id}/grant`, { credits: 3, reason: "too late" })).status).toBe(404);
  });
});
