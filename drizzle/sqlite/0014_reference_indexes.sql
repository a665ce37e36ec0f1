CREATE INDEX `credit_entries_revoked` ON `credit_entries` (`grant_id`) WHERE kind = 'revoke';--> statement-breakpoint
CREATE INDEX `chat_history_photo` ON `chat_history` (`photo_id`) WHERE photo_id is not null;--> statement-breakpoint
CREATE INDEX `chat_variants_user` ON `chat_variants` (`user_id`);--> statement-breakpoint
CREATE INDEX `generations_user_photo` ON `generations` (`user_photo_id`) WHERE user_photo_id is not null;--> statement-breakpoint
CREATE INDEX `generations_item_photo` ON `generations` (`item_photo_id`) WHERE item_photo_id is not null;--> statement-breakpoint
CREATE INDEX `generations_image_file` ON `generations` (`image_file_id`) WHERE image_file_id is not null;--> statement-breakpoint
CREATE INDEX `generations_marked_file` ON `generations` (`marked_file_id`) WHERE marked_file_id is not null;--> statement-breakpoint
CREATE INDEX `generations_preview_file` ON `generations` (`preview_file_id`) WHERE preview_file_id is not null;--> statement-breakpoint
CREATE INDEX `generations_marked_preview` ON `generations` (`marked_preview_file_id`) WHERE marked_preview_file_id is not null;--> statement-breakpoint
CREATE INDEX `outbox_messages_chat` ON `outbox_messages` (`chat_id`);