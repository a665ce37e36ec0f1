import { Elysia } from "elysia";
import { NoQuerySchema } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { PreferencesSchema, ProfileSchema } from "./schemas.ts";
import { changePreferences } from "./users.ts";
import { profileView } from "./view.ts";

/** The signed-in person. */
export function profileRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/profile", tags: ["profile"] })
    .use(guarded)
    .get("/", ({ person }) => profileView(person), {
      signedIn: "read",
      query: NoQuerySchema,
      response: { 200: ProfileSchema },
      detail: { summary: "Who I am" },
    })
    .patch(
      "/",
      async ({ body, person, ctx }) =>
        profileView(
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
    );
}
