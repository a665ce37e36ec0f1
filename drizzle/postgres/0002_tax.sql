CREATE TABLE "tax_desks" (
	"service" text PRIMARY KEY NOT NULL,
	"holder" uuid,
	"held_until" timestamp (3) with time zone,
	"paused_until" timestamp (3) with time zone,
	"failures" integer NOT NULL,
	"refusals" integer NOT NULL,
	"stopped" text,
	"stopped_for" text,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tax_filings" (
	"entry_id" uuid PRIMARY KEY NOT NULL,
	"attempts" integer NOT NULL,
	"looks" integer NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"annul_asked_at" timestamp (3) with time zone,
	"next_at" timestamp (3) with time zone NOT NULL,
	"aside" text,
	"last_error" text,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tax_meters" (
	"meter" text NOT NULL,
	"period" text NOT NULL,
	"warned_percent" integer NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tax_meters_meter_period_pk" PRIMARY KEY("meter","period")
);
--> statement-breakpoint
CREATE TABLE "remote_sessions" (
	"account" text PRIMARY KEY NOT NULL,
	"device_id" text NOT NULL,
	"sealed" text,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tax_entries" ADD COLUMN "receipt_url" text;--> statement-breakpoint
ALTER TABLE "tax_filings" ADD CONSTRAINT "tax_filings_entry_id_tax_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."tax_entries"("id") ON DELETE no action ON UPDATE no action;