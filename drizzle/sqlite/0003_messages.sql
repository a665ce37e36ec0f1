CREATE TABLE `bot_updates` (
	`id` integer PRIMARY KEY NOT NULL,
	`taken_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `bot_updates_age` ON `bot_updates` (`taken_at`);--> statement-breakpoint
CREATE TABLE `outbox_chats` (
	`chat_id` integer PRIMARY KEY NOT NULL,
	`free_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `outbox_chats_age` ON `outbox_chats` (`free_at`);--> statement-breakpoint
CREATE TABLE `outbox_messages` (
	`id` text PRIMARY KEY NOT NULL,
	`chat_id` integer NOT NULL,
	`user_id` text,
	`key` text NOT NULL,
	`parameters` text NOT NULL,
	`language` text NOT NULL,
	`document_file_id` text,
	`lane` text NOT NULL,
	`state` text NOT NULL,
	`priority` integer NOT NULL,
	`cause` text NOT NULL,
	`due_at` integer NOT NULL,
	`stale_at` integer NOT NULL,
	`attempts` integer NOT NULL,
	`sender_job` text,
	`sender_lease` text,
	`telegram_message_id` integer,
	`reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`sent_at` integer,
	CONSTRAINT "outbox_messages_attempts" CHECK(attempts >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_messages_cause` ON `outbox_messages` (`cause`);--> statement-breakpoint
CREATE INDEX `outbox_messages_waiting` ON `outbox_messages` (`lane`,`priority`,`id`) WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX `outbox_messages_waiting_chat` ON `outbox_messages` (`chat_id`) WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX `outbox_messages_sending` ON `outbox_messages` (`sender_job`) WHERE state = 'sending';--> statement-breakpoint
CREATE INDEX `outbox_messages_unknown` ON `outbox_messages` (`updated_at`) WHERE state = 'unknown';--> statement-breakpoint
CREATE INDEX `outbox_messages_user` ON `outbox_messages` (`user_id`);--> statement-breakpoint
CREATE INDEX `outbox_messages_age` ON `outbox_messages` (`created_at`);--> statement-breakpoint
CREATE TABLE `outbox_pauses` (
	`provider` text PRIMARY KEY NOT NULL,
	`until` integer NOT NULL,
	`failures` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `owner_alert_pauses` (
	`reason` text PRIMARY KEY NOT NULL,
	`told_at` integer NOT NULL,
	`suppressed` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `live_connections` (
	`id` text PRIMARY KEY NOT NULL,
	`host_id` text NOT NULL,
	`user_id` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `live_connections_user` ON `live_connections` (`user_id`);--> statement-breakpoint
CREATE INDEX `live_connections_host` ON `live_connections` (`host_id`);--> statement-breakpoint
CREATE TABLE `live_hosts` (
	`id` text PRIMARY KEY NOT NULL,
	`heartbeat_at` integer NOT NULL
);
