CREATE INDEX "credit_entries_revoked" ON "credit_entries" USING btree ("grant_id") WHERE kind = 'revoke';--> statement-breakpoint
CREATE INDEX "chat_history_photo" ON "chat_history" USING btree ("photo_id") WHERE photo_id is not null;--> statement-breakpoint
CREATE INDEX "chat_variants_user" ON "chat_variants" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "generations_user_photo" ON "generations" USING btree ("user_photo_id") WHERE user_photo_id is not null;--> statement-breakpoint
CREATE INDEX "generations_item_photo" ON "generations" USING btree ("item_photo_id") WHERE item_photo_id is not null;--> statement-breakpoint
CREATE INDEX "generations_image_file" ON "generations" USING btree ("image_file_id") WHERE image_file_id is not null;--> statement-breakpoint
CREATE INDEX "generations_marked_file" ON "generations" USING btree ("marked_file_id") WHERE marked_file_id is not null;--> statement-breakpoint
CREATE INDEX "generations_preview_file" ON "generations" USING btree ("preview_file_id") WHERE preview_file_id is not null;--> statement-breakpoint
CREATE INDEX "generations_marked_preview" ON "generations" USING btree ("marked_preview_file_id") WHERE marked_preview_file_id is not null;--> statement-breakpoint
CREATE INDEX "outbox_messages_chat" ON "outbox_messages" USING btree ("chat_id");