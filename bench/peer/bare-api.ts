import { Elysia } from "elysia";
import postgres from "postgres";

/**
 * The least that could answer: `/hello` is Elysia alone; `/balance` reads the session with its person by postgres.js, with the
 * same statement as ours, and believes the token without a look at its signature.
 */
const [, , port, url] = process.argv;
const sql = postgres(url ?? "", { max: 10, fetch_types: false });

function claimsOf(authorization: string): { sub: string; sid: string } {
  return JSON.parse(Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString());
}

new Elysia()
  .get("/hello", () => ({ hello: "world" }))
  .get("/balance", async ({ headers, status }) => {
    const { sub, sid } = claimsOf(headers.authorization ?? "");
    const [person] = await sql<{ balance_credits: number; reserved_credits: number }[]>`
      select id, telegram_id, language, banned_at, balance_credits, reserved_credits, subscription_type, subscription_end,
        freemium_month, freemium_actions_used
      from users where erased_at is null and id = (
        select user_id from sessions
        where id = ${sid} and user_id = ${sub} and revoked_at is null and expires_at > ${new Date()})`;
    if (!person) return status(401);
    return { credits: person.balance_credits, reserved: person.reserved_credits };
  })
  .listen({ port: Number(port), hostname: "127.0.0.1" });
