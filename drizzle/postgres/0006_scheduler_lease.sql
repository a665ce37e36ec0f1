CREATE TABLE "scheduler_lease" (
	"name" text PRIMARY KEY NOT NULL,
	"holder_id" uuid NOT NULL,
	"hostname" text NOT NULL,
	"process_id" integer NOT NULL,
	"process_start" text NOT NULL,
	"beats" bigint NOT NULL,
	"acts_since" timestamp (3) with time zone NOT NULL,
	"beat_at" timestamp (3) with time zone NOT NULL
);
