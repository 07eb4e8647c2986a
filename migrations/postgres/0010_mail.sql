DELETE FROM "outbox" WHERE "kind" = 'already-registered';--> statement-breakpoint
CREATE TABLE "account_deletions" (
	"account_id" text PRIMARY KEY NOT NULL,
	"due_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "email_changes" (
	"account_id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pending_registrations" (
	"account_id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"auth_method" text NOT NULL,
	"auth_verifier" text NOT NULL,
	"credential_id" text,
	"kdf_memory_kib" bigint NOT NULL,
	"kdf_iterations" bigint NOT NULL,
	"kdf_parallelism" bigint NOT NULL,
	"kdf_salt" "bytea" NOT NULL,
	"account_key" "bytea" NOT NULL,
	"hint" text,
	"vault_id" text NOT NULL,
	"vault_key" "bytea" NOT NULL,
	"vault_data" "bytea" NOT NULL,
	"invite_id" text,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "pending_registrations_vault_id_unique" UNIQUE("vault_id")
);
--> statement-breakpoint
ALTER TABLE "outbox" ALTER COLUMN "account_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "registration_id" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "email" text;--> statement-breakpoint
ALTER TABLE "account_deletions" ADD CONSTRAINT "account_deletions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_changes" ADD CONSTRAINT "email_changes_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pending_registrations" ADD CONSTRAINT "pending_registrations_invite_id_invites_id_fk" FOREIGN KEY ("invite_id") REFERENCES "public"."invites"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_deletions_by_due" ON "account_deletions" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "email_changes_by_expiry" ON "email_changes" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "pending_registrations_by_email" ON "pending_registrations" USING btree ("email","created_at");--> statement-breakpoint
CREATE INDEX "pending_registrations_by_invite" ON "pending_registrations" USING btree ("invite_id");--> statement-breakpoint
CREATE INDEX "pending_registrations_by_expiry" ON "pending_registrations" USING btree ("expires_at");--> statement-breakpoint
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_registration_id_pending_registrations_account_id_fk" FOREIGN KEY ("registration_id") REFERENCES "public"."pending_registrations"("account_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "outbox_by_registration" ON "outbox" USING btree ("registration_id");