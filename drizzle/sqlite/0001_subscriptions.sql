CREATE TABLE `plan_orders` (
	`payment_id` text PRIMARY KEY NOT NULL,
	`purpose` text NOT NULL,
	`type` text NOT NULL,
	`price` integer NOT NULL,
	`subscription_id` text,
	`period_number` integer,
	`attempt` integer,
	`credits_counted` integer NOT NULL,
	`extra_seconds` integer NOT NULL,
	`method_id` text,
	`save_method` integer NOT NULL,
	FOREIGN KEY (`payment_id`) REFERENCES `payments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`subscription_id`) REFERENCES `subscriptions`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "plan_orders_counts" CHECK(price > 0 and credits_counted >= 0 and extra_seconds >= 0),
	CONSTRAINT "plan_orders_renewal" CHECK(purpose <> 'renewal' or (subscription_id is not null and period_number is not null and attempt is not null and method_id is not null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `plan_orders_attempt` ON `plan_orders` (`subscription_id`,`period_number`,`attempt`);--> statement-breakpoint
CREATE TABLE `subscription_periods` (
	`id` text PRIMARY KEY NOT NULL,
	`subscription_id` text NOT NULL,
	`number` integer NOT NULL,
	`type` text NOT NULL,
	`starts_at` integer NOT NULL,
	`ends_at` integer NOT NULL,
	`payment_id` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`subscription_id`) REFERENCES `subscriptions`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`payment_id`) REFERENCES `payments`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "subscription_periods_order" CHECK(ends_at >= starts_at)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `subscription_periods_number` ON `subscription_periods` (`subscription_id`,`number`);--> statement-breakpoint
CREATE UNIQUE INDEX `subscription_periods_payment` ON `subscription_periods` (`payment_id`);--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`type` text NOT NULL,
	`state` text NOT NULL,
	`amount` integer NOT NULL,
	`credits` integer NOT NULL,
	`anchor_at` integer NOT NULL,
	`anchor_months` integer NOT NULL,
	`period_count` integer NOT NULL,
	`ends_at` integer NOT NULL,
	`auto_renew` integer NOT NULL,
	`method_id` text,
	`method_title` text,
	`next_type` text,
	`next_amount` integer,
	`next_credits` integer,
	`noticed_for` integer,
	`next_try_at` integer,
	`failed_tries` integer NOT NULL,
	`grace_ends_at` integer,
	`ended_at` integer,
	`end_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "subscriptions_price" CHECK(amount > 0 and credits > 0),
	CONSTRAINT "subscriptions_ended" CHECK((state = 'ended') = (ended_at is not null)),
	CONSTRAINT "subscriptions_renewal_needs_a_method" CHECK(not auto_renew or method_id is not null),
	CONSTRAINT "subscriptions_due_needs_renewal" CHECK(next_try_at is null or auto_renew),
	CONSTRAINT "subscriptions_next" CHECK((next_type is null) = (next_amount is null) and (next_type is null) = (next_credits is null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `subscriptions_live` ON `subscriptions` (`user_id`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `subscriptions_user` ON `subscriptions` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `subscriptions_end` ON `subscriptions` (`ends_at`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `subscriptions_due` ON `subscriptions` (`next_try_at`) WHERE next_try_at is not null;