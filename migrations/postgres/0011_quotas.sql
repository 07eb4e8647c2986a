ALTER TABLE "accounts" ADD COLUMN "stored_items" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "deleted_items" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "stored_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD COLUMN "family_hash" "bytea";--> statement-breakpoint
CREATE INDEX "refresh_tokens_by_family" ON "refresh_tokens" USING btree ("family_hash");--> statement-breakpoint
UPDATE accounts SET
  stored_items = (SELECT count(*) FROM items JOIN vaults ON vaults.id = items.vault_id WHERE vaults.account_id = accounts.id AND items.state <> 'purged'),
  deleted_items = (SELECT count(*) FROM items JOIN vaults ON vaults.id = items.vault_id WHERE vaults.account_id = accounts.id AND items.state = 'purged'),
  stored_bytes = (SELECT coalesce(sum(octet_length(vaults.data)), 0) FROM vaults WHERE vaults.account_id = accounts.id)
    + (SELECT coalesce(sum(octet_length(items.data)), 0) FROM items JOIN vaults ON vaults.id = items.vault_id WHERE vaults.account_id = accounts.id)
    + (SELECT coalesce(sum(octet_length(item_versions.data)), 0) FROM item_versions JOIN vaults ON vaults.id = item_versions.vault_id WHERE vaults.account_id = accounts.id);
