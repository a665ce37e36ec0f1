CREATE TABLE `promo_codes` (
	`id` text PRIMARY KEY NOT NULL,
	`code` text NOT NULL,
	`credits` integer,
	`days` integer,
	`plan` text,
	`uses_max` integer NOT NULL,
	`uses` integer NOT NULL,
	`expires_at` integer,
	`stopped_at` integer,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	CONSTRAINT "promo_codes_effect" CHECK((credits is not null and credits > 0 and days is null and plan is null) or (credits is null and days is not null and days > 0 and plan is not null)),
	CONSTRAINT "promo_codes_uses" CHECK(uses >= 0 and uses <= uses_max)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `promo_codes_code` ON `promo_codes` (`code`);--> statement-breakpoint
CREATE TABLE `promo_uses` (
	`id` text PRIMARY KEY NOT NULL,
	`code_id` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`code_id`) REFERENCES `promo_codes`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `promo_uses_once` ON `promo_uses` (`code_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `promo_uses_user` ON `promo_uses` (`user_id`);--> statement-breakpoint
CREATE TABLE `pending_referrals` (
	`telegram_id` integer PRIMARY KEY NOT NULL,
	`code` text NOT NULL,
	`started_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `pending_referrals_expiry` ON `pending_referrals` (`expires_at`);--> statement-breakpoint
CREATE TABLE `referral_codes` (
	`user_id` text PRIMARY KEY NOT NULL,
	`code` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `referral_codes_code` ON `referral_codes` (`code`);--> statement-breakpoint
CREATE TABLE `referrals` (
	`id` text PRIMARY KEY NOT NULL,
	`referrer_id` text NOT NULL,
	`referred_id` text NOT NULL,
	`state` text NOT NULL,
	`cause` text,
	`decline_reason` text,
	`credits_awarded` integer NOT NULL,
	`credits_reversed` integer NOT NULL,
	`rewarded_on` text,
	`rewarded_at` integer,
	`reversed_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`referrer_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`referred_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "referrals_not_oneself" CHECK(referrer_id <> referred_id),
	CONSTRAINT "referrals_credits" CHECK(credits_awarded >= 0 and credits_reversed >= 0 and credits_reversed <= credits_awarded),
	CONSTRAINT "referrals_reward" CHECK((state in ('rewarded', 'reversed')) = (rewarded_on is not null) and (rewarded_on is not null) = (credits_awarded > 0)),
	CONSTRAINT "referrals_decline" CHECK((state = 'declined') = (decline_reason is not null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `referrals_referred` ON `referrals` (`referred_id`);--> statement-breakpoint
CREATE INDEX `referrals_referrer` ON `referrals` (`referrer_id`,`id`);--> statement-breakpoint
CREATE INDEX `referrals_rewarded` ON `referrals` (`referrer_id`,`rewarded_on`) WHERE rewarded_on is not null;