CREATE INDEX "attachments_by_key" ON "attachments" USING btree ("vault_id","key_version");--> statement-breakpoint
CREATE INDEX "item_versions_by_key" ON "item_versions" USING btree ("vault_id","key_version","item_id","revision");--> statement-breakpoint
CREATE INDEX "items_by_key" ON "items" USING btree ("vault_id","key_version","id") WHERE "items"."data" is not null;