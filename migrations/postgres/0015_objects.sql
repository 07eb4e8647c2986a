CREATE TABLE "deleted_objects" (
	"name" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attachments_by_place" ON "attachments" USING btree ("place");