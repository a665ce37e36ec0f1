CREATE TABLE `broadcasts` (
	`id` text PRIMARY KEY NOT NULL,
	`segment` text NOT NULL,
	`text_ru` text NOT NULL,
	`text_en` text NOT NULL,
	`state` text NOT NULL,
	`created_by` text NOT NULL,
	`tested_at` integer,
	`cursor` text,
	`walked_at` integer,
	`written` integer NOT NULL,
	`switched_off` integer NOT NULL,
	`unreachable` integer NOT NULL,
	`sent` integer NOT NULL,
	`blocked` integer NOT NULL,
	`failed` integer NOT NULL,
	`withdrawn` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "broadcasts_counts" CHECK(written >= 0 and sent >= 0 and blocked >= 0 and failed >= 0 and withdrawn >= 0)
);
--> statement-breakpoint
CREATE INDEX `broadcasts_open` ON `broadcasts` (`started_at`,`id`) WHERE started_at is not null and ended_at is null;--> statement-breakpoint
CREATE TABLE `action_figures` (
	`date` text NOT NULL,
	`action` text NOT NULL,
	`paid_by` text NOT NULL,
	`actions` integer NOT NULL,
	`credits` integer NOT NULL,
	`cost` integer NOT NULL,
	PRIMARY KEY(`date`, `action`, `paid_by`)
);
--> statement-breakpoint
CREATE TABLE `day_figures` (
	`date` text PRIMARY KEY NOT NULL,
	`new_people` integer NOT NULL,
	`actives` integer NOT NULL,
	`buyers` integer NOT NULL,
	`first_buyers` integer NOT NULL,
	`sales` integer NOT NULL,
	`paid` integer NOT NULL,
	`base` integer NOT NULL,
	`tax` integer NOT NULL,
	`commission` integer NOT NULL,
	`commission_forecast` integer NOT NULL,
	`test` integer NOT NULL,
	`pictures` integer NOT NULL,
	`pictures_failed` integer NOT NULL,
	`pictures_cancelled` integer NOT NULL,
	`turns` integer NOT NULL,
	`turns_failed` integer NOT NULL,
	`picture_cost` integer NOT NULL,
	`turn_cost` integer NOT NULL,
	`kie_thousand` integer NOT NULL,
	`dollar` integer NOT NULL,
	`picture_times` text NOT NULL,
	`computed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `economy_warnings` (
	`product` text PRIMARY KEY NOT NULL,
	`told_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `figure_marks` (
	`name` text PRIMARY KEY NOT NULL,
	`seen_until` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `product_figures` (
	`date` text NOT NULL,
	`product` text NOT NULL,
	`sales` integer NOT NULL,
	`credits` integer NOT NULL,
	`paid` integer NOT NULL,
	`base` integer NOT NULL,
	`tax` integer NOT NULL,
	`commission` integer NOT NULL,
	PRIMARY KEY(`date`, `product`)
);
--> statement-breakpoint
CREATE TABLE `audit_entries` (
	`id` text PRIMARY KEY NOT NULL,
	`operator_id` text,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`subject_id` text,
	`person_id` text,
	`reason` text NOT NULL,
	`before` text,
	`after` text,
	`request_id` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`operator_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`person_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `audit_entries_operator` ON `audit_entries` (`operator_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_entries_action` ON `audit_entries` (`action`,`id`);--> statement-breakpoint
CREATE INDEX `audit_entries_person` ON `audit_entries` (`person_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_entries_subject` ON `audit_entries` (`subject_id`,`id`);--> statement-breakpoint
CREATE TABLE `operator_links` (
	`hash` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `operator_links_user` ON `operator_links` (`user_id`);--> statement-breakpoint
CREATE INDEX `operator_links_expiry` ON `operator_links` (`expires_at`);--> statement-breakpoint
CREATE TABLE `operators` (
	`user_id` text PRIMARY KEY NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `outbox_messages` ADD `broadcast_id` text;--> statement-breakpoint
CREATE INDEX `outbox_messages_broadcast` ON `outbox_messages` (`broadcast_id`) WHERE broadcast_id is not null;--> statement-breakpoint
ALTER TABLE `users` ADD `name_key` text;--> statement-breakpoint
ALTER TABLE `users` ADD `username_key` text;--> statement-breakpoint
CREATE INDEX `users_name_key` ON `users` (`name_key`,`id`) WHERE name_key is not null;--> statement-breakpoint
CREATE INDEX `users_username_key` ON `users` (`username_key`,`id`) WHERE username_key is not null;--> statement-breakpoint
CREATE INDEX `users_banned` ON `users` (`id`) WHERE banned_at is not null;--> statement-breakpoint
CREATE INDEX `users_subscribed` ON `users` (`id`) WHERE subscription_end is not null;--> statement-breakpoint
CREATE INDEX `users_created` ON `users` (`created_at`);--> statement-breakpoint
CREATE INDEX `payments_created` ON `payments` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `payments_status` ON `payments` (`status`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `payments_product` ON `payments` (`product`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `payments_flagged` ON `payments` (`created_at`,`id`) WHERE flagged is not null;--> statement-breakpoint
CREATE INDEX `payments_succeeded` ON `payments` (`succeeded_at`) WHERE succeeded_at is not null;--> statement-breakpoint
CREATE INDEX `payments_updated` ON `payments` (`updated_at`);--> statement-breakpoint
CREATE INDEX `tax_entries_unregistered` ON `tax_entries` (`id`) WHERE state in ('ready', 'unknown');--> statement-breakpoint
CREATE INDEX `tax_entries_annul_due` ON `tax_entries` (`id`) WHERE annul_due;--> statement-breakpoint
CREATE INDEX `credit_grants_user` ON `credit_grants` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `credit_holds_open` ON `credit_holds` (`user_id`,`id`) WHERE state = 'held';--> statement-breakpoint
CREATE INDEX `chat_turns_created` ON `chat_turns` (`created_at`);--> statement-breakpoint
CREATE INDEX `chat_turns_finished` ON `chat_turns` (`finished_at`) WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX `generations_created` ON `generations` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `generations_failed` ON `generations` (`created_at`,`id`) WHERE status = 'failed';--> statement-breakpoint
CREATE INDEX `generations_cancelled` ON `generations` (`created_at`,`id`) WHERE status = 'cancelled';--> statement-breakpoint
CREATE INDEX `generations_error` ON `generations` (`error_code`,`created_at`,`id`) WHERE error_code is not null;--> statement-breakpoint
CREATE INDEX `generations_finished` ON `generations` (`finished_at`) WHERE finished_at is not null;