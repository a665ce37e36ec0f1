CREATE TABLE `maintenance_switches` (
	`name` text PRIMARY KEY NOT NULL,
	`is_on` integer NOT NULL,
	`reason` text NOT NULL,
	`notice_ru` text,
	`notice_en` text,
	`changed_by` text NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rate_buckets` (
	`hash` text PRIMARY KEY NOT NULL,
	`full_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `rate_buckets_age` ON `rate_buckets` (`full_at_ms`);