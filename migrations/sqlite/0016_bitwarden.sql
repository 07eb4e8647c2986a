CREATE TABLE `auth_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`type` integer NOT NULL,
	`public_key` text NOT NULL,
	`access_code_hash` blob NOT NULL,
	`device_identifier` text NOT NULL,
	`device_type` integer NOT NULL,
	`address` text NOT NULL,
	`created_at` integer NOT NULL,
	`is_approved` integer,
	`answered_at` integer,
	`key` text,
	`password_hash` text,
	`used_at` integer,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `auth_requests_by_account` ON `auth_requests` (`account_id`);--> statement-breakpoint
CREATE INDEX `auth_requests_by_age` ON `auth_requests` (`created_at`);--> statement-breakpoint
CREATE TABLE `bitwarden_accounts` (
	`account_id` text PRIMARY KEY NOT NULL,
	`kdf_kind` text NOT NULL,
	`user_key` text NOT NULL,
	`user_key_id` text,
	`public_key` text NOT NULL,
	`private_key` text NOT NULL,
	`security_stamp` text NOT NULL,
	`revision_at` integer NOT NULL,
	`name` text,
	`avatar_color` text,
	`sealed_api_key` blob,
	`sealed_recovery_code` blob,
	`equivalent_domains` text,
	`excluded_global_domains` text,
	`verifies_devices` integer DEFAULT true NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `ciphers` (
	`vault_id` text NOT NULL,
	`item_id` text NOT NULL,
	`type` integer NOT NULL,
	`folder_id` text,
	`is_favorite` integer NOT NULL,
	`revision_at` integer NOT NULL,
	`archived_at` integer,
	`deleted_at` integer,
	PRIMARY KEY(`vault_id`, `item_id`),
	FOREIGN KEY (`vault_id`,`item_id`) REFERENCES `items`(`vault_id`,`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `ciphers_by_deletion` ON `ciphers` (`deleted_at`);--> statement-breakpoint
CREATE TABLE `devices` (
	`account_id` text NOT NULL,
	`identifier` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`type` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`remember_hash` blob,
	`remembered_until` integer,
	PRIMARY KEY(`account_id`, `identifier`),
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `devices_id_unique` ON `devices` (`id`);--> statement-breakpoint
CREATE INDEX `devices_by_use` ON `devices` (`last_used_at`);--> statement-breakpoint
CREATE TABLE `folders` (
	`vault_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`revision_at` integer NOT NULL,
	PRIMARY KEY(`vault_id`, `id`),
	FOREIGN KEY (`vault_id`) REFERENCES `vaults`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `mailed_codes` (
	`account_id` text NOT NULL,
	`purpose` text NOT NULL,
	`nonce` blob NOT NULL,
	`detail` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`account_id`, `purpose`),
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `mailed_codes_by_expiry` ON `mailed_codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `sends` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`type` text NOT NULL,
	`data` blob NOT NULL,
	`password_verifier` text,
	`access_count` integer NOT NULL,
	`max_access_count` integer,
	`is_disabled` integer NOT NULL,
	`hides_email` integer NOT NULL,
	`created_at` integer NOT NULL,
	`revision_at` integer NOT NULL,
	`expires_at` integer,
	`deletes_at` integer NOT NULL,
	`file_id` text,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sends_by_account` ON `sends` (`account_id`);--> statement-breakpoint
CREATE INDEX `sends_by_end` ON `sends` (`deletes_at`);--> statement-breakpoint
ALTER TABLE `attachments` ADD `file_name` text;--> statement-breakpoint
ALTER TABLE `attachments` ADD `file_key` text;--> statement-breakpoint
ALTER TABLE `pending_registrations` ADD `bitwarden` text;--> statement-breakpoint
ALTER TABLE `second_factors` ADD `slot` integer;--> statement-breakpoint
ALTER TABLE `second_factors` ADD `email` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `client_id` text;