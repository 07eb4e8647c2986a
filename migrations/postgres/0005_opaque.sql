CREATE TABLE "used_handshakes" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "instance" ADD COLUMN "opaque_fingerprint" text;--> statement-breakpoint
CREATE INDEX "used_handshakes_by_expiry" ON "used_handshakes" USING btree ("expires_at");