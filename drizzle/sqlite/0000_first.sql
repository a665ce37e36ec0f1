CREATE TABLE `chat_history` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`session_id` text NOT NULL,
	`messages` text NOT NULL,
	`photo_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`photo_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `chat_history_session` ON `chat_history` (`session_id`);--> statement-breakpoint
CREATE INDEX `chat_history_user` ON `chat_history` (`user_id`,`updated_at`);--> statement-breakpoint
CREATE INDEX `chat_history_age` ON `chat_history` (`updated_at`);--> statement-breakpoint
CREATE TABLE `chat_turns` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`session_id` text NOT NULL,
	`client_id` text,
	`state` text NOT NULL,
	`hold_id` text NOT NULL,
	`credits_spent` integer NOT NULL,
	`model` text,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_microdollars` integer,
	`error_code` text,
	`deadline_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`hold_id`) REFERENCES `credit_holds`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "chat_turns_tokens" CHECK(input_tokens >= 0 and output_tokens >= 0),
	CONSTRAINT "chat_turns_cost" CHECK(cost_microdollars is null or cost_microdollars >= 0)
);
--> statement-breakpoint
CREATE INDEX `chat_turns_session` ON `chat_turns` (`session_id`,`id`);--> statement-breakpoint
CREATE INDEX `chat_turns_user` ON `chat_turns` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `chat_turns_live` ON `chat_turns` (`deadline_at`) WHERE state in ('queued', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX `chat_turns_client` ON `chat_turns` (`user_id`,`client_id`);--> statement-breakpoint
CREATE TABLE `chat_variants` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`session_id` text NOT NULL,
	`prompt` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `chat_variants_session` ON `chat_variants` (`session_id`);--> statement-breakpoint
CREATE TABLE `credit_entries` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`cause` text NOT NULL,
	`action` text NOT NULL,
	`balance_delta` integer NOT NULL,
	`reserved_delta` integer NOT NULL,
	`counter_account` text NOT NULL,
	`counter_delta` integer NOT NULL,
	`free_action_delta` integer NOT NULL,
	`hold_id` text,
	`grant_id` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`hold_id`) REFERENCES `credit_holds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`grant_id`) REFERENCES `credit_grants`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_entries_balanced" CHECK(balance_delta + reserved_delta + counter_delta = 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credit_entries_cause` ON `credit_entries` (`cause`);--> statement-breakpoint
CREATE INDEX `credit_entries_user` ON `credit_entries` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `credit_grants` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`source` text NOT NULL,
	`credits` integer NOT NULL,
	`credits_left` integer NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_grants_bounds" CHECK(credits > 0 and credits_left >= 0 and credits_left <= credits)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credit_grants_source` ON `credit_grants` (`source`);--> statement-breakpoint
CREATE INDEX `credit_grants_spendable` ON `credit_grants` (`user_id`,`expires_at`) WHERE credits_left > 0;--> statement-breakpoint
CREATE INDEX `credit_grants_expiry` ON `credit_grants` (`expires_at`) WHERE credits_left > 0 and expires_at is not null;--> statement-breakpoint
CREATE TABLE `credit_hold_parts` (
	`hold_id` text NOT NULL,
	`grant_id` text NOT NULL,
	`credits` integer NOT NULL,
	PRIMARY KEY(`hold_id`, `grant_id`),
	FOREIGN KEY (`hold_id`) REFERENCES `credit_holds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`grant_id`) REFERENCES `credit_grants`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_hold_parts_positive" CHECK(credits > 0)
);
--> statement-breakpoint
CREATE INDEX `credit_hold_parts_grant` ON `credit_hold_parts` (`grant_id`);--> statement-breakpoint
CREATE TABLE `credit_holds` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`operation` text NOT NULL,
	`action` text NOT NULL,
	`state` text NOT NULL,
	`credits` integer NOT NULL,
	`free_month` text,
	`free_returned` integer NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_holds_payment" CHECK((free_month is null and credits > 0) or (free_month is not null and credits = 0)),
	CONSTRAINT "credit_holds_end" CHECK((state = 'held') = (ended_at is null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credit_holds_operation` ON `credit_holds` (`operation`);--> statement-breakpoint
CREATE INDEX `credit_holds_user` ON `credit_holds` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `credit_holds_free` ON `credit_holds` (`user_id`,`free_month`) WHERE free_month is not null;--> statement-breakpoint
CREATE TABLE `file_deletions` (
	`id` text PRIMARY KEY NOT NULL,
	`file_id` text NOT NULL,
	`purpose` text NOT NULL,
	`reason` text NOT NULL,
	`name_hash` text NOT NULL,
	`deleted_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `file_deletions_age` ON `file_deletions` (`deleted_at`);--> statement-breakpoint
CREATE TABLE `files` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`purpose` text NOT NULL,
	`storage_key` text NOT NULL,
	`viewable` integer NOT NULL,
	`mime` text NOT NULL,
	`bytes` integer NOT NULL,
	`width_px` integer NOT NULL,
	`height_px` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`deleted_at` integer,
	`delete_failures` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "files_sizes" CHECK(bytes > 0 and width_px > 0 and height_px > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `files_storage_key` ON `files` (`storage_key`);--> statement-breakpoint
CREATE INDEX `files_user` ON `files` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `files_due` ON `files` (`expires_at`) WHERE deleted_at is null;--> statement-breakpoint
CREATE TABLE `generation_attempts` (
	`id` text PRIMARY KEY NOT NULL,
	`generation_id` text NOT NULL,
	`number` integer NOT NULL,
	`state` text NOT NULL,
	`provider_task_id` text,
	`claimed_task_id` text,
	`failure` text,
	`polls` integer NOT NULL,
	`cost_millicredits` integer,
	`submitted_at` integer NOT NULL,
	`accepted_at` integer,
	`ended_at` integer,
	FOREIGN KEY (`generation_id`) REFERENCES `generations`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "generation_attempts_cost" CHECK(cost_millicredits is null or cost_millicredits >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `generation_attempts_number` ON `generation_attempts` (`generation_id`,`number`);--> statement-breakpoint
CREATE UNIQUE INDEX `generation_attempts_task` ON `generation_attempts` (`provider_task_id`);--> statement-breakpoint
CREATE TABLE `generations` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`type` text NOT NULL,
	`status` text NOT NULL,
	`zone` text,
	`note` text,
	`prompt` text NOT NULL,
	`base_generation_id` text,
	`session_id` text,
	`user_photo_id` text,
	`item_photo_id` text,
	`user_photo_url` text,
	`item_photo_url` text,
	`image_url` text,
	`image_file_id` text,
	`marked_file_id` text,
	`preview_file_id` text,
	`marked_preview_file_id` text,
	`watermarked` integer NOT NULL,
	`provider_inputs` text,
	`hold_id` text NOT NULL,
	`credits_spent` integer NOT NULL,
	`free_action` integer NOT NULL,
	`tokens_used` integer,
	`progress` integer NOT NULL,
	`attempt` integer NOT NULL,
	`cancel_requested_at` integer,
	`error_code` text,
	`deadline_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`deleted_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_photo_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`item_photo_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`image_file_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`marked_file_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`preview_file_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`marked_preview_file_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`hold_id`) REFERENCES `credit_holds`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "generations_progress" CHECK(progress between 0 and 100),
	CONSTRAINT "generations_credits" CHECK(credits_spent >= 0)
);
--> statement-breakpoint
CREATE INDEX `generations_user` ON `generations` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `generations_live` ON `generations` (`deadline_at`) WHERE status in ('queued', 'submitting', 'running', 'finishing');--> statement-breakpoint
CREATE INDEX `generations_live_user` ON `generations` (`user_id`) WHERE status in ('queued', 'submitting', 'running', 'finishing');--> statement-breakpoint
CREATE UNIQUE INDEX `generations_hold` ON `generations` (`hold_id`);--> statement-breakpoint
CREATE INDEX `generations_recent_time` ON `generations` (`finished_at`) WHERE status = 'succeeded';--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` text NOT NULL,
	`key` text NOT NULL,
	`request_hash` text NOT NULL,
	`state` text NOT NULL,
	`run` text NOT NULL,
	`status` integer,
	`answer` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_age` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE TABLE `init_data_uses` (
	`hash` text NOT NULL,
	`address` text NOT NULL,
	`uses` integer NOT NULL,
	`first_at` integer NOT NULL,
	PRIMARY KEY(`hash`, `address`)
);
--> statement-breakpoint
CREATE INDEX `init_data_uses_age` ON `init_data_uses` (`first_at`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`priority` integer NOT NULL,
	`turn` integer NOT NULL,
	`run_at` integer NOT NULL,
	`claims` integer NOT NULL,
	`failures` integer NOT NULL,
	`lease` text,
	`worker_id` text,
	`unique_key` text,
	`request_id` text,
	`parked_reason` text,
	`last_error` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "jobs_counts" CHECK(claims >= 0 and failures >= 0)
);
--> statement-breakpoint
CREATE INDEX `jobs_ready` ON `jobs` (`priority`,`turn`,`run_at`,`id`) WHERE state = 'ready';--> statement-breakpoint
CREATE INDEX `jobs_leased` ON `jobs` (`worker_id`) WHERE state = 'leased';--> statement-breakpoint
CREATE INDEX `jobs_parked` ON `jobs` (`id`) WHERE state = 'parked';--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_unique_key` ON `jobs` (`unique_key`);--> statement-breakpoint
CREATE TABLE `live_events` (
	`user_id` text NOT NULL,
	`number` integer NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `number`)
);
--> statement-breakpoint
CREATE INDEX `live_events_age` ON `live_events` (`at`);--> statement-breakpoint
CREATE TABLE `live_sequences` (
	`user_id` text PRIMARY KEY NOT NULL,
	`last_number` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `live_tickets` (
	`hash` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`session_id` text NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `live_tickets_age` ON `live_tickets` (`expires_at`);--> statement-breakpoint
CREATE TABLE `owner_alerts` (
	`id` text PRIMARY KEY NOT NULL,
	`level` text NOT NULL,
	`reason` text NOT NULL,
	`details` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `owner_alerts_recent` ON `owner_alerts` (`created_at`);--> statement-breakpoint
CREATE TABLE `payment_notices` (
	`id` text PRIMARY KEY NOT NULL,
	`address` text NOT NULL,
	`event` text,
	`object_id` text,
	`outcome` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `payment_notices_age` ON `payment_notices` (`created_at`);--> statement-breakpoint
CREATE TABLE `payments` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`yookassa_id` text,
	`product` text NOT NULL,
	`credits` integer NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`status` text NOT NULL,
	`tax_amount` integer NOT NULL,
	`commission_amount` integer NOT NULL,
	`commission_is_real` integer NOT NULL,
	`refunded_amount` integer NOT NULL,
	`tokens_used` integer NOT NULL,
	`idempotency_key` text NOT NULL,
	`is_test` integer NOT NULL,
	`return_url` text NOT NULL,
	`confirmation_url` text,
	`cancel_reason` text,
	`flagged` text,
	`checks` integer NOT NULL,
	`next_check_at` integer,
	`succeeded_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "payments_amounts" CHECK(amount > 0 and tax_amount >= 0 and commission_amount >= 0 and refunded_amount >= 0 and refunded_amount <= amount)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `payments_yookassa_id` ON `payments` (`yookassa_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `payments_idempotency_key` ON `payments` (`idempotency_key`);--> statement-breakpoint
CREATE INDEX `payments_user` ON `payments` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `payments_open` ON `payments` (`next_check_at`) WHERE next_check_at is not null;--> statement-breakpoint
CREATE TABLE `provider_states` (
	`provider` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`open_until` integer,
	`balance_millicredits` integer,
	`balance_at` integer,
	`told_reason` text,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rate_windows` (
	`name` text PRIMARY KEY NOT NULL,
	`recent_ms` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`used` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE TABLE `refunds` (
	`id` text PRIMARY KEY NOT NULL,
	`payment_id` text NOT NULL,
	`yookassa_id` text,
	`amount` integer NOT NULL,
	`status` text NOT NULL,
	`origin` text NOT NULL,
	`reason` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`credits_revoked` integer NOT NULL,
	`next_check_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`payment_id`) REFERENCES `payments`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "refunds_amount" CHECK(amount > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `refunds_yookassa_id` ON `refunds` (`yookassa_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `refunds_idempotency_key` ON `refunds` (`idempotency_key`);--> statement-breakpoint
CREATE INDEX `refunds_payment` ON `refunds` (`payment_id`);--> statement-breakpoint
CREATE INDEX `refunds_open` ON `refunds` (`next_check_at`) WHERE next_check_at is not null;--> statement-breakpoint
CREATE TABLE `schedules` (
	`name` text PRIMARY KEY NOT NULL,
	`last_slot` integer NOT NULL,
	`runs` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`revoked_at` integer,
	`revoke_reason` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`);--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `tax_entries` (
	`id` text PRIMARY KEY NOT NULL,
	`payment_id` text NOT NULL,
	`cause` text NOT NULL,
	`date` text NOT NULL,
	`operation_at` integer NOT NULL,
	`gross` integer NOT NULL,
	`buyer` text NOT NULL,
	`service` text NOT NULL,
	`state` text NOT NULL,
	`receipt_number` text,
	`annul_reason` text,
	`annul_due` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`payment_id`) REFERENCES `payments`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "tax_entries_gross" CHECK(gross > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tax_entries_cause` ON `tax_entries` (`cause`);--> statement-breakpoint
CREATE INDEX `tax_entries_date` ON `tax_entries` (`date`,`id`);--> statement-breakpoint
CREATE INDEX `tax_entries_payment` ON `tax_entries` (`payment_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`telegram_id` integer NOT NULL,
	`first_name` text NOT NULL,
	`last_name` text,
	`username` text,
	`language` text NOT NULL,
	`write_state` text NOT NULL,
	`notify_results` integer NOT NULL,
	`notify_news` integer NOT NULL,
	`balance_credits` integer NOT NULL,
	`reserved_credits` integer NOT NULL,
	`subscription_type` text,
	`subscription_end` integer,
	`freemium_month` text NOT NULL,
	`freemium_actions_used` integer NOT NULL,
	`assistant_tokens` integer NOT NULL,
	`banned_at` integer,
	`ban_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "users_balance_not_negative" CHECK(balance_credits >= 0),
	CONSTRAINT "users_reserved_not_negative" CHECK(reserved_credits >= 0),
	CONSTRAINT "users_freemium_not_negative" CHECK(freemium_actions_used >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_telegram_id` ON `users` (`telegram_id`);--> statement-breakpoint
CREATE TABLE `workers` (
	`id` text PRIMARY KEY NOT NULL,
	`hostname` text NOT NULL,
	`process_id` integer NOT NULL,
	`process_start` text NOT NULL,
	`kinds` text NOT NULL,
	`started_at` integer NOT NULL,
	`heartbeat_at` integer NOT NULL
);
