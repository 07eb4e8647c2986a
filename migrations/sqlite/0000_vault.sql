CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`email_verified` integer NOT NULL,
	`auth_method` text NOT NULL,
	`auth_verifier` text NOT NULL,
	`kdf_memory_kib` integer NOT NULL,
	`kdf_iterations` integer NOT NULL,
	`kdf_parallelism` integer NOT NULL,
	`kdf_salt` blob NOT NULL,
	`account_key` blob NOT NULL,
	`hint` text,
	`created_at` integer NOT NULL,
	`last_login_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_email_unique` ON `accounts` (`email`);--> statement-breakpoint
CREATE TABLE `instance` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `item_versions` (
	`vault_id` text NOT NULL,
	`item_id` text NOT NULL,
	`revision` integer NOT NULL,
	`data` blob NOT NULL,
	`created_at` integer NOT NULL,
	`replaced_at` integer NOT NULL,
	PRIMARY KEY(`vault_id`, `item_id`, `revision`),
	FOREIGN KEY (`vault_id`,`item_id`) REFERENCES `items`(`vault_id`,`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `item_versions_by_age` ON `item_versions` (`replaced_at`);--> statement-breakpoint
CREATE TABLE `items` (
	`vault_id` text NOT NULL,
	`id` text NOT NULL,
	`state` text NOT NULL,
	`data` blob,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	PRIMARY KEY(`vault_id`, `id`),
	FOREIGN KEY (`vault_id`) REFERENCES `vaults`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `items_by_revision` ON `items` (`vault_id`,`revision`,`id`);--> statement-breakpoint
CREATE INDEX `items_by_state` ON `items` (`vault_id`,`state`,`id`);--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` blob PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`replaced_at` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`device_id` text NOT NULL,
	`device_name` text NOT NULL,
	`device_type` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sessions_by_account` ON `sessions` (`account_id`);--> statement-breakpoint
CREATE INDEX `sessions_by_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `vaults` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`key` blob NOT NULL,
	`data` blob NOT NULL,
	`revision` integer NOT NULL,
	`epoch` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `vaults_by_account` ON `vaults` (`account_id`);