CREATE TABLE "deleted_vaults" (
	"account_id" text NOT NULL,
	"vault_id" text NOT NULL,
	"deleted_at" bigint NOT NULL,
	CONSTRAINT "deleted_vaults_account_id_vault_id_pk" PRIMARY KEY("account_id","vault_id")
);
--> statement-breakpoint
ALTER TABLE "deleted_vaults" ADD CONSTRAINT "deleted_vaults_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;