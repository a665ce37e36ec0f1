CREATE TABLE "broadcasts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"segment" text NOT NULL,
	"text_ru" text NOT NULL,
	"text_en" text NOT NULL,
	"state" text NOT NULL,
	"created_by" uuid NOT NULL,
	"tested_at" timestamp (3) with time zone,
	"cursor" uuid,
	"walked_at" timestamp (3) with time zone,
	"written" integer NOT NULL,
	"switched_off" integer NOT NULL,
	"unreachable" integer NOT NULL,
	"sent" integer NOT NULL,
	"blocked" integer NOT NULL,
	"failed" integer NOT NULL,
	"withdrawn" integer NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "broadcasts_counts" CHECK (written >= 0 and sent >= 0 and blocked >= 0 and failed >= 0 and withdrawn >= 0)
);
--> statement-breakpoint
CREATE TABLE "action_figures" (
	"date" text NOT NULL,
	"action" text NOT NULL,
	"paid_by" text NOT NULL,
	"actions" integer NOT NULL,
	"credits" bigint NOT NULL,
	"cost" bigint NOT NULL,
	CONSTRAINT "action_figures_date_action_paid_by_pk" PRIMARY KEY("date","action","paid_by")
);
--> statement-breakpoint
CREATE TABLE "day_figures" (
	"date" text PRIMARY KEY NOT NULL,
	"new_people" integer NOT NULL,
	"actives" integer NOT NULL,
	"buyers" integer NOT NULL,
	"first_buyers" integer NOT NULL,
	"sales" integer NOT NULL,
	"paid" bigint NOT NULL,
	"base" bigint NOT NULL,
	"tax" bigint NOT NULL,
	"commission" bigint NOT NULL,
	"commission_forecast" bigint NOT NULL,
	"test" bigint NOT NULL,
	"pictures" integer NOT NULL,
	"pictures_failed" integer NOT NULL,
	"pictures_cancelled" integer NOT NULL,
	"turns" integer NOT NULL,
	"turns_failed" integer NOT NULL,
	"picture_cost" bigint NOT NULL,
	"turn_cost" bigint NOT NULL,
	"kie_thousand" bigint NOT NULL,
	"dollar" bigint NOT NULL,
	"picture_times" jsonb NOT NULL,
	"computed_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "economy_warnings" (
	"product" text PRIMARY KEY NOT NULL,
	"told_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "figure_marks" (
	"name" text PRIMARY KEY NOT NULL,
	"seen_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "product_figures" (
	"date" text NOT NULL,
	"product" text NOT NULL,
	"sales" integer NOT NULL,
	"credits" bigint NOT NULL,
	"paid" bigint NOT NULL,
	"base" bigint NOT NULL,
	"tax" bigint NOT NULL,
	"commission" bigint NOT NULL,
	CONSTRAINT "product_figures_date_product_pk" PRIMARY KEY("date","product")
);
--> statement-breakpoint
CREATE TABLE "audit_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"operator_id" uuid,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"subject_id" uuid,
	"person_id" uuid,
	"reason" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"request_id" text,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operator_links" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operators" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "outbox_messages" ADD COLUMN "broadcast_id" uuid;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "name_key" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "username_key" text;--> statement-breakpoint
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_operator_id_users_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_person_id_users_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "operator_links" ADD CONSTRAINT "operator_links_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "operators" ADD CONSTRAINT "operators_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "broadcasts_open" ON "broadcasts" USING btree ("started_at","id") WHERE started_at is not null and ended_at is null;--> statement-breakpoint
CREATE INDEX "audit_entries_operator" ON "audit_entries" USING btree ("operator_id","id");--> statement-breakpoint
CREATE INDEX "audit_entries_action" ON "audit_entries" USING btree ("action","id");--> statement-breakpoint
CREATE INDEX "audit_entries_person" ON "audit_entries" USING btree ("person_id","id");--> statement-breakpoint
CREATE INDEX "audit_entries_subject" ON "audit_entries" USING btree ("subject_id","id");--> statement-breakpoint
CREATE INDEX "operator_links_user" ON "operator_links" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "operator_links_expiry" ON "operator_links" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "payments_created" ON "payments" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "payments_status" ON "payments" USING btree ("status","created_at","id");--> statement-breakpoint
CREATE INDEX "payments_product" ON "payments" USING btree ("product","created_at","id");--> statement-breakpoint
CREATE INDEX "payments_flagged" ON "payments" USING btree ("created_at","id") WHERE flagged is not null;--> statement-breakpoint
CREATE INDEX "payments_succeeded" ON "payments" USING btree ("succeeded_at") WHERE succeeded_at is not null;--> statement-breakpoint
CREATE INDEX "payments_updated" ON "payments" USING btree ("updated_at");--> statement-breakpoint
CREATE INDEX "tax_entries_unregistered" ON "tax_entries" USING btree ("id") WHERE state in ('ready', 'unknown');--> statement-breakpoint
CREATE INDEX "tax_entries_annul_due" ON "tax_entries" USING btree ("id") WHERE annul_due;--> statement-breakpoint
CREATE INDEX "credit_grants_user" ON "credit_grants" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "credit_holds_open" ON "credit_holds" USING btree ("user_id","id") WHERE state = 'held';--> statement-breakpoint
CREATE INDEX "chat_turns_created" ON "chat_turns" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "chat_turns_finished" ON "chat_turns" USING btree ("finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "generations_created" ON "generations" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "generations_failed" ON "generations" USING btree ("created_at","id") WHERE status = 'failed';--> statement-breakpoint
CREATE INDEX "generations_cancelled" ON "generations" USING btree ("created_at","id") WHERE status = 'cancelled';--> statement-breakpoint
CREATE INDEX "generations_error" ON "generations" USING btree ("error_code","created_at","id") WHERE error_code is not null;--> statement-breakpoint
CREATE INDEX "generations_finished" ON "generations" USING btree ("finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "outbox_messages_broadcast" ON "outbox_messages" USING btree ("broadcast_id") WHERE broadcast_id is not null;--> statement-breakpoint
CREATE INDEX "users_name_key" ON "users" USING btree ("name_key","id") WHERE name_key is not null;--> statement-breakpoint
CREATE INDEX "users_username_key" ON "users" USING btree ("username_key","id") WHERE username_key is not null;--> statement-breakpoint
CREATE INDEX "users_banned" ON "users" USING btree ("id") WHERE banned_at is not null;--> statement-breakpoint
CREATE INDEX "users_subscribed" ON "users" USING btree ("id") WHERE subscription_end is not null;--> statement-breakpoint
CREATE INDEX "users_created" ON "users" USING btree ("created_at");