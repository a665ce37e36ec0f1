CREATE TABLE "bot_updates" (
	"id" bigint PRIMARY KEY NOT NULL,
	"taken_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox_chats" (
	"chat_id" bigint PRIMARY KEY NOT NULL,
	"free_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox_messages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"chat_id" bigint NOT NULL,
	"user_id" uuid,
	"key" text NOT NULL,
	"parameters" jsonb NOT NULL,
	"language" text NOT NULL,
	"document_file_id" uuid,
	"lane" text NOT NULL,
	"state" text NOT NULL,
	"priority" integer NOT NULL,
	"cause" text NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"stale_at" timestamp (3) with time zone NOT NULL,
	"attempts" integer NOT NULL,
	"sender_job" uuid,
	"sender_lease" uuid,
	"telegram_message_id" bigint,
	"reason" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"sent_at" timestamp (3) with time zone,
	CONSTRAINT "outbox_messages_attempts" CHECK (attempts >= 0)
);
--> statement-breakpoint
CREATE TABLE "outbox_pauses" (
	"provider" text PRIMARY KEY NOT NULL,
	"until" timestamp (3) with time zone NOT NULL,
	"failures" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "owner_alert_pauses" (
	"reason" text PRIMARY KEY NOT NULL,
	"told_at" timestamp (3) with time zone NOT NULL,
	"suppressed" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "live_connections" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host_id" uuid NOT NULL,
	"user_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "live_hosts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "bot_updates_age" ON "bot_updates" USING btree ("taken_at");--> statement-breakpoint
CREATE INDEX "outbox_chats_age" ON "outbox_chats" USING btree ("free_at");--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_messages_cause" ON "outbox_messages" USING btree ("cause");--> statement-breakpoint
CREATE INDEX "outbox_messages_waiting" ON "outbox_messages" USING btree ("lane","priority","id") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "outbox_messages_waiting_chat" ON "outbox_messages" USING btree ("chat_id") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "outbox_messages_sending" ON "outbox_messages" USING btree ("sender_job") WHERE state = 'sending';--> statement-breakpoint
CREATE INDEX "outbox_messages_unknown" ON "outbox_messages" USING btree ("updated_at") WHERE state = 'unknown';--> statement-breakpoint
CREATE INDEX "outbox_messages_user" ON "outbox_messages" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "outbox_messages_age" ON "outbox_messages" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "live_connections_user" ON "live_connections" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "live_connections_host" ON "live_connections" USING btree ("host_id");