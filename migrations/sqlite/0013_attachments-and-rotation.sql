CREATE TABLE `attachment_chunks` (
	`vault_id` text NOT NULL,
	`item_id` text NOT NULL,
	`attachment_id` text NOT NULL,
	`offset` integer NOT NULL,
	`data` blob NOT NULL,
	PRIMARY KEY(`vault_id`, `item_id`, `attachment_id`, `offset`),
	FOREIGN KEY (`vault_id`,`item_id`,`attachment_id`) REFERENCES `attachments`(`vault_id`,`item_id`,`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `attachments` (
	`vault_id` text NOT NULL,
	`item_id` text NOT NULL,
	`id` text NOT NULL,
	`bytes` integer NOT NULL,
	`received_bytes` integer NOT NULL,
	`key_version` integer DEFAULT 1 NOT NULL,
	`upload` text NOT NULL,
	`place` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	PRIMARY KEY(`vault_id`, `item_id`, `id`),
	FOREIGN KEY (`vault_id`) REFERENCES `vaults`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `attachments_by_expiry` ON `attachments` (`expires_at`);--> statement-breakpoint
ALTER TABLE `accounts` ADD `stored_attachment_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `accounts` ADD `account_key_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `item_versions` ADD `key_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `item_versions` ADD `attachments` text;--> statement-breakpoint
ALTER TABLE `items` ADD `key_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `items` ADD `attachments` text;--> statement-breakpoint
ALTER TABLE `vaults` ADD `key_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `vaults` ADD `data_key_version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `vaults` ADD `next_key` blob;--> statement-breakpoint
ALTER TABLE `vaults` ADD `rotation_started_at` integer;--> statement-breakpoint
ALTER TABLE `vaults` ADD `rotation_versions` text;