import { Elysia } from "elysia";
import { Refusal } from "../../../platform/errors.ts";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { rememberLanguage } from "../../../platform/http/problem.ts";
import { NoQuerySchema, refuses } from "../../../platform/http/schemas.ts";
import { isId } from "../../../platform/ids.ts";
import { listChanges } from "../../audit/index.ts";
import type { guard } from "../../auth/guard.ts";
import { ACCESS_TOKEN_SECONDS, type AccessTokens, signInByLink } from "../../auth/index.ts";
import { SignedInSchema } from "../../auth/schemas.ts";
import { profileView, rowOf } from "../../profile/index.ts";
import { personRef } from "../people/people.ts";
import { pageSchema } from "../schemas.ts";
import { auditRows, catalogueShown, operatorsView } from "./desk.ts";
import {
  AuditQuery,
  AuditRow,
  CatalogueAnswer,
  HealthAnswer,
  MeAnswer,
  OperatorsAnswer,
  SignInBody,
} from "./desk-schemas.ts";
import { healthView } from "./health.ts";

/** Coming in, who is who, and what stands on the desk of whoever looks after the server. */
export function deskRoutes(guarded: ReturnType<typeof guard>, tokens: AccessTokens) {
  return new Elysia({ tags: ["admin"] })
    .use(guarded)
    .post(
      "/sign-in",
      async ({ body, request, ctx }) => {
        const { session, user } = await signInByLink(ctx, body.token);
        rememberLanguage(request, user.language);
        return {
          access_token: await tokens.issue(session),
          token_type: "Bearer" as const,
          expires_in: ACCESS_TOKEN_SECONDS,
          refresh_token: session.refreshToken,
          user: await profileView(ctx, user),
        };
      },
      {
        anyone: "sign_in",
        query: NoQuerySchema,
        body: SignInBody,
        response: { 200: SignedInSchema },
        detail: {
          summary: "Sign an operator in by a one-time link",
          description: "`atelier user admin <telegram_id> --link` prints one: good once, for ten minutes.",
          security: [],
          ...refuses("unauthenticated"),
        },
      },
    )
    .get(
      "/me",
      async ({ person, role, ctx }) => ({
        person: personRef(await rowOf(ctx, person)),
        role,
        language: person.language,
      }),
      {
        viewer: "read",
        query: NoQuerySchema,
        response: { 200: MeAnswer },
        detail: { summary: "Who I am here" },
      },
    )
    .get("/operators", ({ ctx }) => operatorsView(ctx), {
      owner: "read",
      query: NoQuerySchema,
      response: { 200: OperatorsAnswer },
      detail: { summary: "Who may open the panel", description: "Roles are given by `atelier user admin`." },
    })
    .get(
      "/audit",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const filter = {
          operatorId: idIn(query.operator, "operator"),
          personId: idIn(query.person, "person"),
          subjectId: idIn(query.subject_id, "subject_id"),
          action: query.action,
        };
        const rows = await listChanges(ctx, filter, { before, limit: limit + 1 });
        const { items, next_cursor } = cursorPage(rows, limit);
        return { items: await auditRows(ctx, items), next_cursor };
      },
      {
        support: "read",
        query: AuditQuery,
        response: { 200: pageSchema(AuditRow) },
        detail: { summary: "Who changed what, and why; newest first" },
      },
    )
    .get("/catalogue", ({ ctx }) => catalogueShown(ctx), {
      viewer: "read",
      query: NoQuerySchema,
      response: { 200: CatalogueAnswer },
      detail: { summary: "What is sold, as this server has it" },
    })
    .get("/health", ({ ctx }) => healthView(ctx), {
      viewer: "read",
      query: NoQuerySchema,
      response: { 200: HealthAnswer },
      detail: {
        summary: "How the server is",
        description: "What `atelier doctor` says of the things that need no other server, and the last alerts.",
      },
    });
}

/** An id in a filter; what cannot be one is refused before the database is asked. */
function idIn(text: string | undefined, name: string): string | undefined {
  if (text === undefined || isId(text)) return text;
  throw new Refusal("validation_failed", { errors: [{ path: `/query/${name}`, message: "is not an id of ours" }] });
}
