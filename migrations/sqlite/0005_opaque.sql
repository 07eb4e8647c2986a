CREATE TABLE `used_once` (
	`id` blob PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `used_once_by_expiry` ON `used_once` (`expires_at`);--> statement-breakpoint
ALTER TABLE `instance` ADD `opaque_fingerprint` text;