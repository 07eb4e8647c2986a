CREATE TABLE `account_events` (
	`account_id` text NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`device_id` text,
	`device_name` text,
	`device_type` text,
	`address` text,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `account_events_by_account` ON `account_events` (`account_id`,`at`);--> statement-breakpoint
CREATE INDEX `account_events_by_age` ON `account_events` (`at`);--> statement-breakpoint
CREATE TABLE `invites` (
	`id` text PRIMARY KEY NOT NULL,
	`code_hash` blob NOT NULL,
	`email` text,
	`note` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`used_by` text,
	`revoked_at` integer,
	FOREIGN KEY (`used_by`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `invites_code_hash_unique` ON `invites` (`code_hash`);--> statement-breakpoint
CREATE INDEX `invites_by_account` ON `invites` (`used_by`);--> statement-breakpoint
ALTER TABLE `accounts` ADD `disabled_at` integer;