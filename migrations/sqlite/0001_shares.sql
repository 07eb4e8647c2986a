CREATE TABLE `claimed_share_bodies` (
	`share_id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL,
	`ciphertext` blob NOT NULL,
	FOREIGN KEY (`share_id`) REFERENCES `shares`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `claimed_share_bodies_by_expiry` ON `claimed_share_bodies` (`expires_at`);--> statement-breakpoint
CREATE TABLE `share_bodies` (
	`share_id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL,
	`ciphertext` blob NOT NULL,
	FOREIGN KEY (`share_id`) REFERENCES `shares`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `share_bodies_by_expiry` ON `share_bodies` (`expires_at`);--> statement-breakpoint
CREATE TABLE `shares` (
	`id` text PRIMARY KEY NOT NULL,
	`proof_hash` blob NOT NULL,
	`manage_token_hash` blob NOT NULL,
	`has_passphrase` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`read_at` integer,
	`claim_hash` blob,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE INDEX `shares_by_expiry` ON `shares` (`expires_at`);