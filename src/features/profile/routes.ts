import { Elysia } from "elysia";
import { NoQuerySchema } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { ProfileSchema } from "./schemas.ts";
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
    });
}
