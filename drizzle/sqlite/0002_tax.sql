CREATE TABLE `tax_desks` (
	`service` text PRIMARY KEY NOT NULL,
	`holder` text,
	`held_until` integer,
	`paused_until` integer,
	`failures` integer NOT NULL,
	`refusals` integer NOT NULL,
	`stopped` text,
	`stopped_for` text,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tax_filings` (
	`entry_id` text PRIMARY KEY NOT NULL,
	`attempts` integer NOT NULL,
	`looks` integer NOT NULL,
	`sent_at` integer,
	`annul_asked_at` integer,
	`next_at` integer NOT NULL,
	`aside` text,
	`last_error` text,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`entry_id`) REFERENCES `tax_entries`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `tax_meters` (
	`meter` text NOT NULL,
	`period` text NOT NULL,
	`warned_percent` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`meter`, `period`)
);
--> statement-breakpoint
CREATE TABLE `remote_sessions` (
	`account` text PRIMARY KEY NOT NULL,
	`device_id` text NOT NULL,
	`sealed` text,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `tax_entries` ADD `receipt_url` text;