CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean NOT NULL,
	"auth_method" text NOT NULL,
	"auth_verifier" text NOT NULL,
	"kdf_memory_kib" bigint NOT NULL,
	"kdf_iterations" bigint NOT NULL,
	"kdf_parallelism" bigint NOT NULL,
	"kdf_salt" "bytea" NOT NULL,
	"account_key" "bytea" NOT NULL,
	"hint" text,
	"created_at" bigint NOT NULL,
	"last_login_at" bigint,
	CONSTRAINT "accounts_email_unique" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE "instance" (
	"id" bigint PRIMARY KEY NOT NULL,
	"epoch" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "item_versions" (
	"vault_id" text NOT NULL,
	"item_id" text NOT NULL,
	"revision" bigint NOT NULL,
	"data" "bytea" NOT NULL,
	"created_at" bigint NOT NULL,
	"replaced_at" bigint NOT NULL,
	CONSTRAINT "item_versions_vault_id_item_id_revision_pk" PRIMARY KEY("vault_id","item_id","revision")
);
--> statement-breakpoint
CREATE TABLE "items" (
	"vault_id" text NOT NULL,
	"id" text NOT NULL,
	"state" text NOT NULL,
	"data" "bytea",
	"revision" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	CONSTRAINT "items_vault_id_id_pk" PRIMARY KEY("vault_id","id")
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"session_id" text NOT NULL,
	"replaced_at" bigint
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"device_id" text NOT NULL,
	"device_name" text NOT NULL,
	"device_type" text NOT NULL,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "vaults" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"key" "bytea" NOT NULL,
	"data" "bytea" NOT NULL,
	"revision" bigint NOT NULL,
	"epoch" text NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "item_versions" ADD CONSTRAINT "item_versions_vault_id_item_id_items_vault_id_id_fk" FOREIGN KEY ("vault_id","item_id") REFERENCES "public"."items"("vault_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "items" ADD CONSTRAINT "items_vault_id_vaults_id_fk" FOREIGN KEY ("vault_id") REFERENCES "public"."vaults"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vaults" ADD CONSTRAINT "vaults_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "item_versions_by_age" ON "item_versions" USING btree ("replaced_at");--> statement-breakpoint
CREATE INDEX "items_by_revision" ON "items" USING btree ("vault_id","revision","id");--> statement-breakpoint
CREATE INDEX "items_by_state" ON "items" USING btree ("vault_id","state","id");--> statement-breakpoint
CREATE INDEX "refresh_tokens_by_session" ON "refresh_tokens" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "sessions_by_account" ON "sessions" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "sessions_by_expiry" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "vaults_by_account" ON "vaults" USING btree ("account_id");