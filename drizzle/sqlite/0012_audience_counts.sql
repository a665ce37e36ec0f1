CREATE TABLE `audience_counts` (
	`segment` text PRIMARY KEY NOT NULL,
	`people` integer NOT NULL,
	`reachable` integer NOT NULL,
	`counted_at` integer NOT NULL,
	CONSTRAINT "audience_counts_parts" CHECK(reachable between 0 and people)
);
