import { sql } from "drizzle-orm";
import { Elysia } from "elysia";
import { guard } from "../../src/features/auth/guard.ts";
import { createAccessTokens } from "../../src/features/auth/index.ts";
import { openSession, PERSON_COLUMNS } from "../../src/features/auth/sessions.ts";
import { balanceOf } from "../../src/features/billing/ledger/balance.ts";
import { findOrCreateUser, users } from "../../src/features/profile/index.ts";
import { hotStatement } from "../../src/platform/db/hot-statement.ts";
import { createRateLimiter } from "../../src/platform/http/rate-limit.ts";
import { NoQuerySchema } from "../../src/platform/http/schemas.ts";
import { createApp } from "../../src/routes.ts";
import { openProduct } from "../product.ts";

/**
 * The product with one route more: `GET /api/v1/unchecked`, which answers the balance of whoever the caller says they are. It is
 * the route `GET /api/v1/balance` without the check of the sign-in: the person's row is read by its id, the token is not
 * looked at. `checked-api.ts <port> <url of the database>` prints how each of the people asks for both.
 */
const PEOPLE = 32;
const [, , port = "0", url = ""] = process.argv;
const secrets = { JWT_SECRET: "a-secret-of-the-bench-which-is-32-bytes-long", LINK_SECRET: "b".repeat(44) };
const { ctx } = await openProduct(url, { ...secrets, RATE_LIMITS: "off", PUBLIC_URL: `http://127.0.0.1:${port}` });

const personById = hotStatement(PERSON_COLUMNS, (db, columns) =>
  db
    .select(columns)
    .from(users)
    .where(sql`${users.id} = ${sql.param(sql.placeholder("id"), users.id)} and ${users.erasedAt} is null`),
);
const tokens = createAccessTokens(ctx.settings.JWT_SECRET, ctx.clock);
const nobody = () => false;
const guarded = guard({
  ctx,
  tokens,
  limiter: createRateLimiter({ clock: ctx.clock, entriesMax: 1_000 }),
  addressOf: () => "127.0.0.1",
  isFrom: { kie: nobody, telegram: nobody, yookassa: nobody },
});
const { app } = createApp(ctx, { healthChecks: [], isStopping: nobody });
const described = app.routes.find(({ path }) => path.replace(/\/$/, "") === "/api/v1/balance")?.hooks.response;
app.use(
  new Elysia().use(guarded).get(
    "/api/v1/unchecked",
    async ({ request, ctx: own }) => {
      const [person] = await personById(own.db, { id: request.headers.get("x-person") ?? "" });
      if (!person) throw new Error("nobody of that id");
      return balanceOf(own, person);
    },
    { anyone: "read", query: NoQuerySchema, response: described },
  ),
);
app.listen({ port: Number(port), hostname: "127.0.0.1", reusePort: false });

const people = [];
for (let made = 0; made < PEOPLE; made += 1) {
  const { user } = await findOrCreateUser(ctx, { telegramId: 700_000 + made, firstName: "Bench", languageCode: "en" });
  const { sessionId } = await openSession(ctx, user.id);
  people.push({ id: user.id, token: await tokens.issue({ userId: user.id, sessionId }) });
}
process.stdout.write(`${JSON.stringify(people)}\n`);
