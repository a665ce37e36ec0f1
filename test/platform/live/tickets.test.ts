import { expect, test } from "bun:test";
import { SECOND_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { forgetOldTickets, issueTicket, redeemTicket, TICKET_SECONDS } from "../../../src/platform/live/tickets.ts";
import { startTestApp } from "../../support/app.ts";

const product = await startTestApp();
const { ctx, clock } = product;
const owner = { userId: newId(), sessionId: newId() };

test("a ticket is worth its owner once, however many use it at once", async () => {
  const ticket = await issueTicket(ctx, owner);
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeemTicket(ctx, ticket)));
  expect(answers.filter((answer) => answer !== null)).toEqual([owner]);
  expect(await redeemTicket(ctx, ticket)).toBeNull();
});

test("a ticket ends after thirty seconds", async () => {
  const [early, late] = [await issueTicket(ctx, owner), await issueTicket(ctx, owner)];
  clock.advance(TICKET_SECONDS * SECOND_MS - 1);
  expect(await redeemTicket(ctx, early)).toEqual(owner);
  clock.advance(1);
  expect(await redeemTicket(ctx, late)).toBeNull();
});

test("a ticket that was never given out is worth nothing", async () => {
  for (const text of ["", "x", "a".repeat(128), "' or 1=1 --"]) expect(await redeemTicket(ctx, text)).toBeNull();
});

test("tickets cannot be read in the database, and each is new", async () => {
  const [one, other] = [await issueTicket(ctx, owner), await issueTicket(ctx, owner)];
  expect(one).not.toBe(other);
  expect(one.length).toBeGreaterThanOrEqual(32);
  const rows = JSON.stringify(await product.open.database.raw("select * from live_tickets"));
  expect(rows).toContain(owner.userId);
  expect([rows.includes(one), rows.includes(other)]).toEqual([false, false]);
});

test("tickets that nobody used are forgotten when their time is over, and only then", async () => {
  clock.advance(60 * SECOND_MS);
  await forgetOldTickets(ctx);
  const ticket = await issueTicket(ctx, owner);
  clock.advance(TICKET_SECONDS * SECOND_MS - 1);
  expect(await forgetOldTickets(ctx)).toBe(0);
  clock.advance(2);
  expect(await forgetOldTickets(ctx)).toBe(1);
  expect(await redeemTicket(ctx, ticket)).toBeNull();
});
