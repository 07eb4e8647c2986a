CREATE TABLE "claimed_share_bodies" (
	"share_id" text PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL,
	"ciphertext" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "share_bodies" (
	"share_id" text PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL,
	"ciphertext" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "shares" (
	"id" text PRIMARY KEY NOT NULL,
	"proof_hash" "bytea" NOT NULL,
	"manage_token_hash" "bytea" NOT NULL,
	"has_passphrase" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"read_at" bigint,
	"claim_hash" "bytea",
	"revoked_at" bigint
);
--> statement-breakpoint
ALTER TABLE "claimed_share_bodies" ADD CONSTRAINT "claimed_share_bodies_share_id_shares_id_fk" FOREIGN KEY ("share_id") REFERENCES "public"."shares"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "share_bodies" ADD CONSTRAINT "share_bodies_share_id_shares_id_fk" FOREIGN KEY ("share_id") REFERENCES "public"."shares"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "claimed_share_bodies_by_expiry" ON "claimed_share_bodies" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "share_bodies_by_expiry" ON "share_bodies" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "shares_by_expiry" ON "shares" USING btree ("expires_at");