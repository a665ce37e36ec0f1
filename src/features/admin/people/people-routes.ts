import { Elysia, t } from "elysia";
import { once } from "../../../platform/http/idempotency.ts";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { closed, IdempotencyHeaders, NoQuerySchema, PageQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { IdParams, pageSchema, ReasonBody } from "../schemas.ts";
import { banPerson, logOutPerson, unbanPerson } from "./ban.ts";
import { personCard, personEntries } from "./card.ts";
import { grantByOperator } from "./grant.ts";
import { messagePerson } from "./message.ts";
import { listPeople, personRow } from "./people.ts";
import { EntryRow, GrantAnswer, GrantBody, MessageBody, PeopleQuery, PersonCard, PersonRow } from "./people-schemas.ts";

const Page = t.Object(PageQuerySchema, closed);

/** People: finding one, what they have, and what an operator may do about them. */
export function peopleRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/people", tags: ["admin"] })
    .use(guarded)
    .get(
      "/",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const { items, next_cursor } = cursorPage(await listPeople(ctx, query, { before, limit: limit + 1 }), limit);
        return { items: items.map(personRow), next_cursor };
      },
      {
        viewer: "read",
        query: PeopleQuery,
        response: { 200: pageSchema(PersonRow) },
        detail: { summary: "Find people" },
      },
    )
    .get("/:id", ({ params, ctx }) => personCard(ctx, params.id), {
      viewer: "read",
      params: IdParams,
      query: NoQuerySchema,
      response: { 200: PersonCard },
      detail: { summary: "One person", ...refuses("not_found") },
    })
    .get(
      "/:id/entries",
      async ({ params, query, ctx }) => {
        const { before, limit } = pageOf(query);
        return cursorPage(await personEntries(ctx, params.id, { before, limit: limit + 1 }), limit);
      },
      {
        viewer: "read",
        params: IdParams,
        query: Page,
        response: { 200: pageSchema(EntryRow) },
        detail: { summary: "A person's credit journal, newest first", ...refuses("not_found") },
      },
    )
    .use(personActions(guarded));
}

function personActions(guarded: ReturnType<typeof guard>) {
  return new Elysia({ tags: ["admin"] })
    .use(guarded)
    .post(
      "/:id/grant",
      async ({ params, body, headers, person, ctx, set }) => {
        const request = {
          userId: person.id,
          key: headers["idempotency-key"],
          route: `POST /admin/people/${params.id}/grant`,
          body,
        };
        const granted = await once(ctx, request, async (tx) => ({
          answer: await grantByOperator(tx, {
            operatorId: person.id,
            userId: params.id,
            credits: body.credits,
            kind: body.kind ?? "gift",
            expiresOn: body.expires_on,
            reason: body.reason,
          }),
          status: 200,
        }));
        if (granted.replayed) set.headers["idempotency-replayed"] = "true";
        return granted.answer;
      },
      {
        support: "write",
        headers: IdempotencyHeaders,
        params: IdParams,
        query: NoQuerySchema,
        body: GrantBody,
        response: { 200: GrantAnswer },
        detail: { summary: "Give a person credits", ...refuses("not_found") },
      },
    )
    .post(
      "/:id/ban",
      async ({ params, body, person, ctx }) =>
        personRow(await banPerson(ctx, { operatorId: person.id, userId: params.id, reason: body.reason })),
      {
        support: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: PersonRow },
        detail: {
          summary: "Block a person",
          description: "They are signed out everywhere. Operators are refused: take their role away first.",
          ...refuses("not_found", "already_finished"),
        },
      },
    )
    .post(
      "/:id/unban",
      async ({ params, body, person, ctx }) =>
        personRow(await unbanPerson(ctx, { operatorId: person.id, userId: params.id, reason: body.reason })),
      {
        support: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: PersonRow },
        detail: { summary: "Let a blocked person in again", ...refuses("not_found", "already_finished") },
      },
    )
    .post(
      "/:id/logout",
      async ({ params, body, person, ctx }) =>
        personRow(await logOutPerson(ctx, { operatorId: person.id, userId: params.id, reason: body.reason })),
      {
        support: "write",
        params: IdParams,
        query: NoQuerySchema,
        body: ReasonBody,
        response: { 200: PersonRow },
        detail: { summary: "Sign a person out everywhere", ...refuses("not_found") },
      },
    )
    .post(
      "/:id/message",
      async ({ params, body, headers, person, ctx, set, status }) => {
        const request = {
          userId: person.id,
          key: headers["idempotency-key"],
          route: `POST /admin/people/${params.id}/message`,
          body,
        };
        const order = { operatorId: person.id, userId: params.id, text: body.text, reason: body.reason };
        const written = await once(ctx, request, async (tx) => {
          await messagePerson(tx, order);
          return { answer: { state: "waiting" as const }, status: 202 };
        });
        if (written.replayed) set.headers["idempotency-replayed"] = "true";
        return status(202, written.answer);
      },
      {
        support: "write",
        headers: IdempotencyHeaders,
        params: IdParams,
        query: NoQuerySchema,
        body: MessageBody,
        response: { 202: t.Object({ state: t.Literal("waiting") }, closed) },
        detail: { summary: "Write to a person through the bot", ...refuses("not_found", "bot_cannot_write") },
      },
    );
}
