ALTER TABLE "accounts" ADD COLUMN "credential_id" text;--> statement-breakpoint
CREATE INDEX "accounts_by_credential_id" ON "accounts" USING btree ("credential_id");