CREATE TABLE "used_once" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "instance" ADD COLUMN "opaque_fingerprint" text;--> statement-breakpoint
CREATE INDEX "used_once_by_expiry" ON "used_once" USING btree ("expires_at");