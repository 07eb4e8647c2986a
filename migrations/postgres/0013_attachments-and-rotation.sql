CREATE TABLE "attachment_chunks" (
	"vault_id" text NOT NULL,
	"item_id" text NOT NULL,
	"attachment_id" text NOT NULL,
	"offset" bigint NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "attachment_chunks_vault_id_item_id_attachment_id_offset_pk" PRIMARY KEY("vault_id","item_id","attachment_id","offset")
);
--> statement-breakpoint
CREATE TABLE "attachments" (
	"vault_id" text NOT NULL,
	"item_id" text NOT NULL,
	"id" text NOT NULL,
	"bytes" bigint NOT NULL,
	"received_bytes" bigint NOT NULL,
	"key_version" bigint DEFAULT 1 NOT NULL,
	"upload" text NOT NULL,
	"place" text NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint,
	CONSTRAINT "attachments_vault_id_item_id_id_pk" PRIMARY KEY("vault_id","item_id","id")
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "stored_attachment_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "account_key_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "item_versions" ADD COLUMN "key_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "item_versions" ADD COLUMN "attachments" text;--> statement-breakpoint
ALTER TABLE "items" ADD COLUMN "key_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "items" ADD COLUMN "attachments" text;--> statement-breakpoint
ALTER TABLE "vaults" ADD COLUMN "key_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "vaults" ADD COLUMN "data_key_version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "vaults" ADD COLUMN "next_key" "bytea";--> statement-breakpoint
ALTER TABLE "vaults" ADD COLUMN "rotation_started_at" bigint;--> statement-breakpoint
ALTER TABLE "vaults" ADD COLUMN "rotation_versions" text;--> statement-breakpoint
ALTER TABLE "attachment_chunks" ADD CONSTRAINT "attachment_chunks_of_attachment" FOREIGN KEY ("vault_id","item_id","attachment_id") REFERENCES "public"."attachments"("vault_id","item_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_vault_id_vaults_id_fk" FOREIGN KEY ("vault_id") REFERENCES "public"."vaults"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attachments_by_expiry" ON "attachments" USING btree ("expires_at");