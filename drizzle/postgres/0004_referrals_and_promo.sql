CREATE TABLE "promo_codes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"credits" integer,
	"days" integer,
	"plan" text,
	"uses_max" integer NOT NULL,
	"uses" integer NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"stopped_at" timestamp (3) with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "promo_codes_effect" CHECK ((credits is not null and credits > 0 and days is null and plan is null) or (credits is null and days is not null and days > 0 and plan is not null)),
	CONSTRAINT "promo_codes_uses" CHECK (uses >= 0 and uses <= uses_max)
);
--> statement-breakpoint
CREATE TABLE "promo_uses" (
	"id" uuid PRIMARY KEY NOT NULL,
	"code_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pending_referrals" (
	"telegram_id" bigint PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "referral_codes" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "referrals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"referrer_id" uuid NOT NULL,
	"referred_id" uuid NOT NULL,
	"state" text NOT NULL,
	"cause" text,
	"decline_reason" text,
	"credits_awarded" integer NOT NULL,
	"credits_reversed" integer NOT NULL,
	"rewarded_on" text,
	"rewarded_at" timestamp (3) with time zone,
	"reversed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "referrals_not_oneself" CHECK (referrer_id <> referred_id),
	CONSTRAINT "referrals_credits" CHECK (credits_awarded >= 0 and credits_reversed >= 0 and credits_reversed <= credits_awarded),
	CONSTRAINT "referrals_reward" CHECK ((state in ('rewarded', 'reversed')) = (rewarded_on is not null) and (rewarded_on is not null) = (credits_awarded > 0)),
	CONSTRAINT "referrals_decline" CHECK ((state = 'declined') = (decline_reason is not null))
);
--> statement-breakpoint
ALTER TABLE "promo_uses" ADD CONSTRAINT "promo_uses_code_id_promo_codes_id_fk" FOREIGN KEY ("code_id") REFERENCES "public"."promo_codes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "promo_uses" ADD CONSTRAINT "promo_uses_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referral_codes" ADD CONSTRAINT "referral_codes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referrals" ADD CONSTRAINT "referrals_referrer_id_users_id_fk" FOREIGN KEY ("referrer_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referrals" ADD CONSTRAINT "referrals_referred_id_users_id_fk" FOREIGN KEY ("referred_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "promo_codes_code" ON "promo_codes" USING btree ("code");--> statement-breakpoint
CREATE UNIQUE INDEX "promo_uses_once" ON "promo_uses" USING btree ("code_id","user_id");--> statement-breakpoint
CREATE INDEX "promo_uses_user" ON "promo_uses" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "pending_referrals_expiry" ON "pending_referrals" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "referral_codes_code" ON "referral_codes" USING btree ("code");--> statement-breakpoint
CREATE UNIQUE INDEX "referrals_referred" ON "referrals" USING btree ("referred_id");--> statement-breakpoint
CREATE INDEX "referrals_referrer" ON "referrals" USING btree ("referrer_id","id");--> statement-breakpoint
CREATE INDEX "referrals_rewarded" ON "referrals" USING btree ("referrer_id","rewarded_on") WHERE rewarded_on is not null;