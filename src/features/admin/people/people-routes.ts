import { Elysia, t } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { closed, IdempotencyHeaders, NoQuerySchema, PageQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { changing, onceForKey, orderOf } from "../change-routes.ts";
import { IdParams, pageSchema } from "../schemas.ts";
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
      async (asked) =>
        onceForKey(asked, `POST /admin/people/${asked.params.id}/grant`, async (tx) => ({
          answer: await grantByOperator(tx, {
            ...orderOf(asked),
            credits: asked.body.credits,
            kind: asked.body.kind ?? "gift",
            expiresOn: asked.body.expires_on,
          }),
          status: 200,
        })),
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
    .post("/:id/ban", async (asked) => personRow(await banPerson(asked.ctx, orderOf(asked))), {
      support: "write",
      ...changing(PersonRow, {
        summary: "Block a person",
        description: "They are signed out everywhere. Operators are refused: take their role away first.",
        refusals: ["not_found", "already_finished"],
      }),
    })
    .post("/:id/unban", async (asked) => personRow(await unbanPerson(asked.ctx, orderOf(asked))), {
      support: "write",
      ...changing(PersonRow, {
        summary: "Let a blocked person in again",
        refusals: ["not_found", "already_finished"],
      }),
    })
    .post("/:id/logout", async (asked) => personRow(await logOutPerson(asked.ctx, orderOf(asked))), {
      support: "write",
      ...changing(PersonRow, { summary: "Sign a person out everywhere", refusals: ["not_found"] }),
    })
    .post(
      "/:id/message",
      async (asked) =>
        asked.status(
          202,
          await onceForKey(asked, `POST /admin/people/${asked.params.id}/message`, async (tx) => {
            await messagePerson(tx, { ...orderOf(asked), text: asked.body.text });
            return { answer: { state: "waiting" as const }, status: 202 };
          }),
        ),
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
