import { Elysia, t } from "elysia";
import { REFERRAL_REWARD_CAUSES } from "../../platform/config/settings/credits.ts";
import { cursorPage, pageOf } from "../../platform/http/page.ts";
import { closed, oneOf, PageQuerySchema } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { DECLINE_REASONS, REFERRAL_STATES } from "./tables.ts";
import { referralsOf } from "./view.ts";

const Moment = t.String({ format: "date-time" });

const ReferralSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    state: oneOf(REFERRAL_STATES, { examples: ["rewarded"] }),
    decline_reason: t.Optional(
      oneOf(DECLINE_REASONS, { description: "Why there is no reward.", examples: ["daily_cap"] }),
    ),
    credits: t.Integer({ minimum: 0, description: "Granted, less what was taken back.", examples: [10] }),
    created_at: Moment,
    rewarded_at: t.Optional(Moment),
  },
  { ...closed, title: "Referral" },
);

const ReferralsSchema = t.Object(
  {
    code: t.String({ examples: ["Zk3v_9Qa"] }),
    link: t.Nullable(
      t.String({ description: "Opens the Mini App. Null while the server does not know the bot's name." }),
      { examples: ["https://t.me/your_atelier_bot/app?startapp=ref_Zk3v_9Qa"] },
    ),
    reward: t.Object(
      {
        credits: t.Integer({ minimum: 0, description: "0: no rewards at present.", examples: [10] }),
        on: oneOf(REFERRAL_REWARD_CAUSES, {
          description: "What the invited person has to do.",
          examples: ["first_generation"],
        }),
      },
      closed,
    ),
    invited: t.Integer({ minimum: 0, examples: [3] }),
    rewarded: t.Integer({ minimum: 0, examples: [2] }),
    credits_earned: t.Integer({ minimum: 0, examples: [20] }),
    items: t.Array(ReferralSchema),
    next_cursor: t.Nullable(t.String(), { examples: [null] }),
  },
  { ...closed, title: "Referrals" },
);

/** A person's invitation link, and what it brought. */
export function referralRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/referrals", tags: ["referrals"] }).use(guarded).get(
    "/",
    async ({ query, person, ctx }) => {
      const { before, limit } = pageOf(query);
      const { rows, ...summary } = await referralsOf(ctx, person.id, { before, limit: limit + 1 });
      return { ...summary, ...cursorPage(rows, limit) };
    },
    {
      signedIn: "read",
      query: t.Object(PageQuerySchema, closed),
      response: { 200: ReferralsSchema },
      detail: { summary: "My invitation link, and who came by it, newest first" },
    },
  );
}
