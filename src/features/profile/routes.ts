import { Elysia, t } from "elysia";
import { closed, NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { acceptTerms, consentOf } from "./consent.ts";
import { ConsentSchema, PreferencesSchema, ProfileSchema } from "./schemas.ts";
import { changePreferences, rowOf } from "./users.ts";
import { profileView } from "./view.ts";

const VERSION_LENGTH_MAX = 64;

/** The signed-in person. */
export function profileRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/profile", tags: ["profile"] })
    .use(guarded)
    .get("/", async ({ person, ctx }) => profileView(ctx, await rowOf(ctx, person)), {
      signedIn: "read",
      query: NoQuerySchema,
      response: { 200: ProfileSchema },
      detail: { summary: "Who I am" },
    })
    .patch(
      "/",
      async ({ body, person, ctx }) =>
        profileView(
          ctx,
          await changePreferences(ctx, person.id, {
            language: body.language,
            notifyResults: body.notify_results,
            notifyNews: body.notify_news,
          }),
        ),
      {
        signedIn: "write",
        query: NoQuerySchema,
        body: PreferencesSchema,
        response: { 200: ProfileSchema },
        detail: { summary: "Change my language and what the bot writes to me about" },
      },
    )
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
