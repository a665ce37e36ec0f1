CREATE TABLE "plan_orders" (
	"payment_id" uuid PRIMARY KEY NOT NULL,
	"purpose" text NOT NULL,
	"type" text NOT NULL,
	"price" bigint NOT NULL,
	"subscription_id" uuid,
	"period_number" integer,
	"attempt" integer,
	"credits_counted" integer NOT NULL,
	"extra_seconds" integer NOT NULL,
	"method_id" text,
	"save_method" boolean NOT NULL,
	CONSTRAINT "plan_orders_counts" CHECK (price > 0 and credits_counted >= 0 and extra_seconds >= 0),
	CONSTRAINT "plan_orders_renewal" CHECK (purpose <> 'renewal' or (subscription_id is not null and period_number is not null and attempt is not null and method_id is not null))
);
--> statement-breakpoint
CREATE TABLE "subscription_periods" (
	"id" uuid PRIMARY KEY NOT NULL,
	"subscription_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"type" text NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"payment_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "subscription_periods_order" CHECK (ends_at >= starts_at)
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"type" text NOT NULL,
	"state" text NOT NULL,
	"amount" bigint NOT NULL,
	"credits" integer NOT NULL,
	"anchor_at" timestamp (3) with time zone NOT NULL,
	"anchor_months" integer NOT NULL,
	"period_count" integer NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"auto_renew" boolean NOT NULL,
	"method_id" text,
	"method_title" text,
	"next_type" text,
	"next_amount" bigint,
	"next_credits" integer,
	"noticed_for" timestamp (3) with time zone,
	"next_try_at" timestamp (3) with time zone,
	"failed_tries" integer NOT NULL,
	"grace_ends_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"end_reason" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "subscriptions_price" CHECK (amount > 0 and credits > 0),
	CONSTRAINT "subscriptions_ended" CHECK ((state = 'ended') = (ended_at is not null)),
	CONSTRAINT "subscriptions_renewal_needs_a_method" CHECK (not auto_renew or method_id is not null),
	CONSTRAINT "subscriptions_due_needs_renewal" CHECK (next_try_at is null or auto_renew),
	CONSTRAINT "subscriptions_next" CHECK ((next_type is null) = (next_amount is null) and (next_type is null) = (next_credits is null))
);
--> statement-breakpoint
ALTER TABLE "plan_orders" ADD CONSTRAINT "plan_orders_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_orders" ADD CONSTRAINT "plan_orders_subscription_id_subscriptions_id_fk" FOREIGN KEY ("subscription_id") REFERENCES "public"."subscriptions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_periods" ADD CONSTRAINT "subscription_periods_subscription_id_subscriptions_id_fk" FOREIGN KEY ("subscription_id") REFERENCES "public"."subscriptions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_periods" ADD CONSTRAINT "subscription_periods_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "plan_orders_attempt" ON "plan_orders" USING btree ("subscription_id","period_number","attempt");--> statement-breakpoint
CREATE UNIQUE INDEX "subscription_periods_number" ON "subscription_periods" USING btree ("subscription_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "subscription_periods_payment" ON "subscription_periods" USING btree ("payment_id");--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_live" ON "subscriptions" USING btree ("user_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "subscriptions_user" ON "subscriptions" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "subscriptions_end" ON "subscriptions" USING btree ("ends_at") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "subscriptions_due" ON "subscriptions" USING btree ("next_try_at") WHERE next_try_at is not null;