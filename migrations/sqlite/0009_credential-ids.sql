ALTER TABLE `accounts` ADD `credential_id` text;--> statement-breakpoint
CREATE INDEX `accounts_by_credential_id` ON `accounts` (`credential_id`);