CREATE TABLE `used_handshakes` (
	`id` blob PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `used_handshakes_by_expiry` ON `used_handshakes` (`expires_at`);--> statement-breakpoint
ALTER TABLE `instance` ADD `opaque_fingerprint` text;