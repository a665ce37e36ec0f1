CREATE TABLE `erasures` (
	`id` text PRIMARY KEY NOT NULL,
	`asked_by` text NOT NULL,
	`counts` text NOT NULL,
	`erased_at` integer NOT NULL,
	`completed_at` integer
);
--> statement-breakpoint
CREATE INDEX `erasures_age` ON `erasures` (`erased_at`);--> statement-breakpoint
CREATE TABLE `consents` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`version` text NOT NULL,
	`accepted_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `consents_version` ON `consents` (`user_id`,`version`);--> statement-breakpoint
CREATE TABLE `departures` (
	`hash` text PRIMARY KEY NOT NULL,
	`free_month` text NOT NULL,
	`free_actions_used` integer NOT NULL,
	`banned_at` integer,
	`expires_at` integer NOT NULL,
	CONSTRAINT "departures_free_not_negative" CHECK(free_actions_used >= 0)
);
--> statement-breakpoint
CREATE INDEX `departures_age` ON `departures` (`expires_at`);--> statement-breakpoint
ALTER TABLE `files` ADD `delete_reason` text;--> statement-breakpoint
ALTER TABLE `users` ADD `carried_free_actions` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `erased_at` integer;--> statement-breakpoint
CREATE INDEX `users_erased` ON `users` (`erased_at`) WHERE erased_at is not null;