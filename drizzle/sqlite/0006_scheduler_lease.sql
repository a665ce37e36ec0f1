CREATE TABLE `scheduler_lease` (
	`name` text PRIMARY KEY NOT NULL,
	`holder_id` text NOT NULL,
	`hostname` text NOT NULL,
	`process_id` integer NOT NULL,
	`process_start` text NOT NULL,
	`beats` integer NOT NULL,
	`acts_since` integer NOT NULL,
	`beat_at` integer NOT NULL
);
