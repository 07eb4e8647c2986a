CREATE TABLE "auth_requests" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"type" bigint NOT NULL,
	"public_key" text NOT NULL,
	"access_code_hash" "bytea" NOT NULL,
	"device_identifier" text NOT NULL,
	"device_type" bigint NOT NULL,
	"address" text NOT NULL,
	"created_at" bigint NOT NULL,
	"is_approved" boolean,
	"answered_at" bigint,
	"key" text,
	"password_hash" text,
	"used_at" bigint
);
--> statement-breakpoint
CREATE TABLE "bitwarden_accounts" (
	"account_id" text PRIMARY KEY NOT NULL,
	"kdf_kind" text NOT NULL,
	"user_key" text NOT NULL,
	"user_key_id" text,
	"public_key" text NOT NULL,
	"private_key" text NOT NULL,
	"security_stamp" text NOT NULL,
	"revision_at" bigint NOT NULL,
	"name" text,
	"avatar_color" text,
	"sealed_api_key" "bytea",
	"sealed_recovery_code" "bytea",
	"equivalent_domains" text,
	"excluded_global_domains" text,
	"verifies_devices" boolean DEFAULT true NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ciphers" (
	"vault_id" text NOT NULL,
	"item_id" text NOT NULL,
	"type" bigint NOT NULL,
	"folder_id" text,
	"is_favorite" boolean NOT NULL,
	"revision_at" bigint NOT NULL,
	"archived_at" bigint,
	"deleted_at" bigint,
	CONSTRAINT "ciphers_vault_id_item_id_pk" PRIMARY KEY("vault_id","item_id")
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"account_id" text NOT NULL,
	"identifier" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"type" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint NOT NULL,
	"remember_hash" "bytea",
	"remembered_until" bigint,
	CONSTRAINT "devices_account_id_identifier_pk" PRIMARY KEY("account_id","identifier"),
	CONSTRAINT "devices_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "folders" (
	"vault_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"revision_at" bigint NOT NULL,
	CONSTRAINT "folders_vault_id_id_pk" PRIMARY KEY("vault_id","id")
);
--> statement-breakpoint
CREATE TABLE "mailed_codes" (
	"account_id" text NOT NULL,
	"purpose" text NOT NULL,
	"nonce" "bytea" NOT NULL,
	"detail" text,
	"attempts" bigint DEFAULT 0 NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "mailed_codes_account_id_purpose_pk" PRIMARY KEY("account_id","purpose")
);
--> statement-breakpoint
CREATE TABLE "sends" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"type" text NOT NULL,
	"data" "bytea" NOT NULL,
	"password_verifier" text,
	"access_count" bigint NOT NULL,
	"max_access_count" bigint,
	"is_disabled" boolean NOT NULL,
	"hides_email" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"revision_at" bigint NOT NULL,
	"expires_at" bigint,
	"deletes_at" bigint NOT NULL,
	"file_id" text
);
--> statement-breakpoint
ALTER TABLE "attachments" ADD COLUMN "file_name" text;--> statement-breakpoint
ALTER TABLE "attachments" ADD COLUMN "file_key" text;--> statement-breakpoint
ALTER TABLE "pending_registrations" ADD COLUMN "bitwarden" text;--> statement-breakpoint
ALTER TABLE "second_factors" ADD COLUMN "slot" bigint;--> statement-breakpoint
ALTER TABLE "second_factors" ADD COLUMN "email" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "client_id" text;--> statement-breakpoint
ALTER TABLE "auth_requests" ADD CONSTRAINT "auth_requests_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bitwarden_accounts" ADD CONSTRAINT "bitwarden_accounts_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ciphers" ADD CONSTRAINT "ciphers_vault_id_item_id_items_vault_id_id_fk" FOREIGN KEY ("vault_id","item_id") REFERENCES "public"."items"("vault_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "devices" ADD CONSTRAINT "devices_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "folders" ADD CONSTRAINT "folders_vault_id_vaults_id_fk" FOREIGN KEY ("vault_id") REFERENCES "public"."vaults"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailed_codes" ADD CONSTRAINT "mailed_codes_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sends" ADD CONSTRAINT "sends_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "auth_requests_by_account" ON "auth_requests" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "auth_requests_by_age" ON "auth_requests" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "ciphers_by_deletion" ON "ciphers" USING btree ("deleted_at");--> statement-breakpoint
CREATE INDEX "devices_by_use" ON "devices" USING btree ("last_used_at");--> statement-breakpoint
CREATE INDEX "mailed_codes_by_expiry" ON "mailed_codes" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "sends_by_account" ON "sends" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "sends_by_end" ON "sends" USING btree ("deletes_at");