CREATE TABLE `started_logins` (
	`id` blob PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`at` integer NOT NULL,
	`address` text NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `started_logins_by_age` ON `started_logins` (`at`);--> statement-breakpoint
CREATE INDEX `started_logins_by_account` ON `started_logins` (`account_id`);--> statement-breakpoint
DROP INDEX `account_events_by_account`;--> statement-breakpoint
ALTER TABLE `account_events` ADD `count` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `account_events` ADD `reason` text;--> statement-breakpoint
CREATE INDEX `account_events_by_account` ON `account_events` (`account_id`,`type`,`at`);--> statement-breakpoint
ALTER TABLE `used_once` ADD `settled` integer DEFAULT false NOT NULL;