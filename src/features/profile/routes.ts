import { Elysia, t } from "elysia";
import { closed, NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { acceptTerms, consentOf } from "./consent.ts";
import { ConsentSchema, ProfileSchema } from "./schemas.ts";
import { profileView } from "./view.ts";

const VERSION_LENGTH_MAX = 64;

/** The signed-in person. */
export function profileRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/profile", tags: ["profile"] })
    .use(guarded)
    .get("/", ({ person, ctx }) => profileView(ctx, person), {
      signedIn: "read",
      query: NoQuerySchema,
      response: { 200: ProfileSchema },
      detail: { summary: "Who I am" },
    })
    .post(
      "/consent",
      async ({ body, person, ctx }) => {
        await acceptTerms(ctx, person.id, body.version);
        return consentOf(ctx, person.id);
      },
      {
        signedIn: "write",
        query: NoQuerySchema,
        body: t.Object(
          { version: t.String({ minLength: 1, maxLength: VERSION_LENGTH_MAX, examples: ["2026-11-01"] }) },
          closed,
        ),
        response: { 200: ConsentSchema },
        detail: {
          summary: "Accept the terms and the privacy text",
          description: "`version` is the one in force, as `GET /profile` names it: nobody accepts another text.",
          ...refuses("terms_changed"),
        },
      },
    );
}
