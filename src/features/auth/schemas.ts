import { t } from "elysia";
import { closed } from "../../platform/http/schemas.ts";
import { ProfileSchema } from "../profile/index.ts";

export const EXAMPLE_REFRESH_TOKEN = "cmVmcmVzaC10b2tlbi1vZi10aGUtZG9jdW1lbnRhdGlvbg";

/** What every way to sign in answers. */
export const SignedInSchema = t.Object(
  {
    access_token: t.String({
      description: "For `Authorization: Bearer`.",
      examples: ["eyJhbGciOiJIUzI1NiJ9.e30.c2ln"],
    }),
    token_type: t.Literal("Bearer"),
    expires_in: t.Integer({ description: "Seconds.", examples: [1_800] }),
    refresh_token: t.String({
      description: "Good for one exchange; each exchange gives the next.",
      examples: [EXAMPLE_REFRESH_TOKEN],
    }),
    user: ProfileSchema,
  },
  { ...closed, title: "SignedIn" },
);
