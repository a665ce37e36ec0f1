DROP INDEX "chat_history_user";--> statement-breakpoint
CREATE INDEX "sessions_revoked" ON "sessions" USING btree ("revoked_at") WHERE revoked_at is not null;--> statement-breakpoint
CREATE INDEX "chat_history_person" ON "chat_history" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "users_late" ON "users" USING btree ("id") WHERE erased_at is not null and (balance_credits > 0 or subscription_type is not null);