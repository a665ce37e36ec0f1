import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { addressNetwork } from "../../platform/http/client-address.ts";
import { rememberLanguage } from "../../platform/http/problem.ts";
import { closed, NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import { findOrCreateUser, findUser, profileView, type User } from "../profile/index.ts";
import type { guard } from "./guard.ts";
import { EXAMPLE_REFRESH_TOKEN, SignedInSchema } from "./schemas.ts";
import { endSession, limitInitDataUse, type OpenedSession, openSession, rotateSession } from "./sessions.ts";
import { checkInitData } from "./telegram-login.ts";
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from "./tokens.ts";

const INIT_DATA_LENGTH_MAX = 4_096;
/** Ours are far shorter; an access token sent by mistake should hear 401 like any other wrong token. */
const REFRESH_TOKEN_LENGTH_MAX = 2_048;

const EXAMPLE_INIT_DATA =
  "user=%7B%22id%22%3A100001%2C%22first_name%22%3A%22Anna%22%7D&auth_date=1773480413&signature=c2ln&hash=0f1e2d3c";

/** What features above this one do for somebody who has just been made, in the transaction that made them. */
export type Welcome = (tx: Context, newcomer: { user: User; startParam: string | null }) => Promise<void>;

/** Signing in with Telegram, staying signed in, signing out. */
export function authRoutes(guarded: ReturnType<typeof guard>, tokens: AccessTokens, welcome: Welcome) {
  const answer = async (ctx: Context, session: OpenedSession, user: User) => ({
    access_token: await tokens.issue(session),
    token_type: "Bearer" as const,
    expires_in: ACCESS_TOKEN_SECONDS,
    refresh_token: session.refreshToken,
    user: await profileView(ctx, user),
  });
  return new Elysia({ prefix: "/auth", tags: ["sign-in"] })
    .use(guarded)
    .post(
      "/telegram",
      async ({ body, request, ctx, addressOf }) => {
        const initData = body?.init_data ?? initDataOf(request);
        const user = await signIn(ctx, initData, addressOf(request), welcome);
        rememberLanguage(request, user.language);
        if (user.bannedAt !== null) throw new Refusal("banned");
        return answer(ctx, await openSession(ctx, user.id), user);
      },
      {
        anyone: "sign_in",
        body: t.Optional(
          t.Object(
            {
              init_data: t.Optional(
                t.String({ minLength: 1, maxLength: INIT_DATA_LENGTH_MAX, examples: [EXAMPLE_INIT_DATA] }),
              ),
            },
            closed,
          ),
        ),
        response: { 200: SignedInSchema },
        detail: {
          summary: "Sign in with Telegram's initData",
          description: "In the body, or as `Authorization: tma <initData>`, unchanged as Telegram gave it.",
          security: [{}, { telegramInitData: [] }],
          ...refuses("init_data_invalid", "init_data_expired", "banned"),
        },
      },
    )
    .post(
      "/refresh",
      async ({ body, request, ctx }) => {
        const session = await rotateSession(ctx, body.refresh_token);
        const user = await findUser(ctx, session.userId);
        if (!user || user.erasedAt !== null) throw new Refusal("unauthenticated");
        rememberLanguage(request, user.language);
        if (user.bannedAt !== null) throw new Refusal("banned");
        return answer(ctx, session, user);
      },
      {
        anyone: "sign_in",
        body: t.Object(
          {
            refresh_token: t.String({
              minLength: 1,
              maxLength: REFRESH_TOKEN_LENGTH_MAX,
              examples: [EXAMPLE_REFRESH_TOKEN],
            }),
          },
          closed,
        ),
        response: { 200: SignedInSchema },
        detail: {
          summary: "Exchange a refresh token for a new pair",
          description: "A token that comes a second time ends the whole session.",
          ...refuses("unauthenticated", "banned"),
        },
      },
    )
    .post(
      "/logout",
      async ({ body, person, sessionId, ctx, status }) => {
        await endSession(ctx, { userId: person.id, sessionId }, body?.everywhere === true);
        // Open sockets of what has just ended must not go on until their next heartbeat.
        ctx.wakeUps.wake("sessions", person.id);
        return status(204, undefined);
      },
      {
        signedIn: "write",
        query: NoQuerySchema,
        body: t.Optional(t.Object({ everywhere: t.Optional(t.Boolean()) }, closed)),
        response: { 204: t.Void() },
        detail: { summary: "Sign out here, or everywhere" },
      },
    );
}

async function signIn(ctx: Context, initData: string, address: string, welcome: Welcome): Promise<User> {
  const launch = checkInitData(initData, {
    botTokens: ctx.settings.TELEGRAM_BOT_TOKEN,
    now: ctx.clock.now(),
    ageHoursMax: ctx.settings.INIT_DATA_AGE_HOURS_MAX,
  });
  await limitInitDataUse(ctx, launch.hash, addressNetwork(address));
  const { user, isNew } = await ctx.transaction(async (tx) => {
    const found = await findOrCreateUser(tx, { telegramId: launch.user.id, ...launch.user });
    if (found.isNew) await welcome(tx, { user: found.user, startParam: launch.startParam ?? null });
    return found;
  });
  if (isNew) ctx.log.info("a person signed in for the first time", { user: user.id });
  return user;
}

/** The data of `Authorization: tma <initData>`. */
function initDataOf(request: Request): string {
  const header = request.headers.get("authorization") ?? "";
  if (!/^tma /i.test(header)) throw new Refusal("init_data_invalid");
  return header.slice("tma ".length);
}
