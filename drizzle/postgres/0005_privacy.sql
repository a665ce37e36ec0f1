CREATE TABLE "erasures" (
	"id" uuid PRIMARY KEY NOT NULL,
	"asked_by" text NOT NULL,
	"counts" jsonb NOT NULL,
	"erased_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "consents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"version" text NOT NULL,
	"accepted_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "departures" (
	"hash" text PRIMARY KEY NOT NULL,
	"free_month" text NOT NULL,
	"free_actions_used" integer NOT NULL,
	"banned_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "departures_free_not_negative" CHECK (free_actions_used >= 0)
);
--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "delete_reason" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "carried_free_actions" integer;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "erased_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "consents" ADD CONSTRAINT "consents_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "erasures_age" ON "erasures" USING btree ("erased_at");--> statement-breakpoint
CREATE UNIQUE INDEX "consents_version" ON "consents" USING btree ("user_id","version");--> statement-breakpoint
CREATE INDEX "departures_age" ON "departures" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "users_erased" ON "users" USING btree ("erased_at") WHERE erased_at is not null;