CREATE TABLE `account_deletions` (
	`account_id` text PRIMARY KEY NOT NULL,
	`due_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `account_deletions_by_due` ON `account_deletions` (`due_at`);--> statement-breakpoint
CREATE TABLE `email_changes` (
	`account_id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `email_changes_by_expiry` ON `email_changes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `pending_registrations` (
	`account_id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`auth_method` text NOT NULL,
	`auth_verifier` text NOT NULL,
	`credential_id` text,
	`kdf_memory_kib` integer NOT NULL,
	`kdf_iterations` integer NOT NULL,
	`kdf_parallelism` integer NOT NULL,
	`kdf_salt` blob NOT NULL,
	`account_key` blob NOT NULL,
	`hint` text,
	`vault_id` text NOT NULL,
	`vault_key` blob NOT NULL,
	`vault_data` blob NOT NULL,
	`invite_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`invite_id`) REFERENCES `invites`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `pending_registrations_vault_id_unique` ON `pending_registrations` (`vault_id`);--> statement-breakpoint
CREATE INDEX `pending_registrations_by_email` ON `pending_registrations` (`email`,`created_at`);--> statement-breakpoint
CREATE INDEX `pending_registrations_by_invite` ON `pending_registrations` (`invite_id`);--> statement-breakpoint
CREATE INDEX `pending_registrations_by_expiry` ON `pending_registrations` (`expires_at`);--> statement-breakpoint
CREATE TABLE `__new_outbox` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text,
	`registration_id` text,
	`email` text,
	`kind` text NOT NULL,
	`detail` text,
	`created_at` integer NOT NULL,
	`attempts` integer NOT NULL,
	`next_attempt_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`registration_id`) REFERENCES `pending_registrations`(`account_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
INSERT INTO `__new_outbox`("id", "account_id", "registration_id", "email", "kind", "detail", "created_at", "attempts", "next_attempt_at") SELECT "id", "account_id", null, null, "kind", "detail", "created_at", "attempts", "next_attempt_at" FROM `outbox` WHERE "kind" <> 'already-registered';--> statement-breakpoint
DROP TABLE `outbox`;--> statement-breakpoint
ALTER TABLE `__new_outbox` RENAME TO `outbox`;--> statement-breakpoint
CREATE INDEX `outbox_by_next_attempt` ON `outbox` (`next_attempt_at`);--> statement-breakpoint
CREATE INDEX `outbox_by_account` ON `outbox` (`account_id`);--> statement-breakpoint
CREATE INDEX `outbox_by_registration` ON `outbox` (`registration_id`);