CREATE TABLE `personal_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` blob NOT NULL,
	`account_id` text NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`vault_id` text,
	`vault_key` blob,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`vault_id`) REFERENCES `vaults`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `personal_tokens_hash_unique` ON `personal_tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `personal_tokens_by_account` ON `personal_tokens` (`account_id`);--> statement-breakpoint
CREATE INDEX `personal_tokens_by_vault` ON `personal_tokens` (`vault_id`);