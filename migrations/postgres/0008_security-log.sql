CREATE TABLE "started_logins" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"at" bigint NOT NULL,
	"address" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "account_events_by_account";--> statement-breakpoint
ALTER TABLE "account_events" ADD COLUMN "count" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "account_events" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "used_once" ADD COLUMN "settled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "started_logins" ADD CONSTRAINT "started_logins_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "started_logins_by_age" ON "started_logins" USING btree ("at");--> statement-breakpoint
CREATE INDEX "started_logins_by_account" ON "started_logins" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "account_events_by_account" ON "account_events" USING btree ("account_id","type","at");