CREATE TABLE "chat_history" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"messages" jsonb NOT NULL,
	"photo_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chat_turns" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"client_id" text,
	"state" text NOT NULL,
	"hold_id" uuid NOT NULL,
	"credits_spent" integer NOT NULL,
	"model" text,
	"input_tokens" integer NOT NULL,
	"output_tokens" integer NOT NULL,
	"cost_microdollars" bigint,
	"error_code" text,
	"deadline_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "chat_turns_tokens" CHECK (input_tokens >= 0 and output_tokens >= 0),
	CONSTRAINT "chat_turns_cost" CHECK (cost_microdollars is null or cost_microdollars >= 0)
);
--> statement-breakpoint
CREATE TABLE "chat_variants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"prompt" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credit_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"cause" text NOT NULL,
	"action" text NOT NULL,
	"balance_delta" integer NOT NULL,
	"reserved_delta" integer NOT NULL,
	"counter_account" text NOT NULL,
	"counter_delta" integer NOT NULL,
	"free_action_delta" integer NOT NULL,
	"hold_id" uuid,
	"grant_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "credit_entries_balanced" CHECK (balance_delta + reserved_delta + counter_delta = 0)
);
--> statement-breakpoint
CREATE TABLE "credit_grants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"source" text NOT NULL,
	"credits" integer NOT NULL,
	"credits_left" integer NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "credit_grants_bounds" CHECK (credits > 0 and credits_left >= 0 and credits_left <= credits)
);
--> statement-breakpoint
CREATE TABLE "credit_hold_parts" (
	"hold_id" uuid NOT NULL,
	"grant_id" uuid NOT NULL,
	"credits" integer NOT NULL,
	CONSTRAINT "credit_hold_parts_hold_id_grant_id_pk" PRIMARY KEY("hold_id","grant_id"),
	CONSTRAINT "credit_hold_parts_positive" CHECK (credits > 0)
);
--> statement-breakpoint
CREATE TABLE "credit_holds" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"operation" text NOT NULL,
	"action" text NOT NULL,
	"state" text NOT NULL,
	"credits" integer NOT NULL,
	"free_month" text,
	"free_returned" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "credit_holds_payment" CHECK ((free_month is null and credits > 0) or (free_month is not null and credits = 0)),
	CONSTRAINT "credit_holds_end" CHECK ((state = 'held') = (ended_at is null))
);
--> statement-breakpoint
CREATE TABLE "file_deletions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"file_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"reason" text NOT NULL,
	"name_hash" text NOT NULL,
	"deleted_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"storage_key" text NOT NULL,
	"viewable" boolean NOT NULL,
	"mime" text NOT NULL,
	"bytes" integer NOT NULL,
	"width_px" integer NOT NULL,
	"height_px" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	"delete_failures" integer NOT NULL,
	CONSTRAINT "files_sizes" CHECK (bytes > 0 and width_px > 0 and height_px > 0)
);
--> statement-breakpoint
CREATE TABLE "generation_attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"generation_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"state" text NOT NULL,
	"provider_task_id" text,
	"claimed_task_id" text,
	"failure" text,
	"polls" integer NOT NULL,
	"cost_millicredits" bigint,
	"submitted_at" timestamp (3) with time zone NOT NULL,
	"accepted_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "generation_attempts_cost" CHECK (cost_millicredits is null or cost_millicredits >= 0)
);
--> statement-breakpoint
CREATE TABLE "generations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"zone" text,
	"note" text,
	"prompt" text NOT NULL,
	"base_generation_id" uuid,
	"session_id" uuid,
	"user_photo_id" uuid,
	"item_photo_id" uuid,
	"user_photo_url" text,
	"item_photo_url" text,
	"image_url" text,
	"image_file_id" uuid,
	"marked_file_id" uuid,
	"preview_file_id" uuid,
	"marked_preview_file_id" uuid,
	"watermarked" boolean NOT NULL,
	"provider_inputs" jsonb,
	"hold_id" uuid NOT NULL,
	"credits_spent" integer NOT NULL,
	"free_action" boolean NOT NULL,
	"tokens_used" integer,
	"progress" integer NOT NULL,
	"attempt" integer NOT NULL,
	"cancel_requested_at" timestamp (3) with time zone,
	"error_code" text,
	"deadline_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "generations_progress" CHECK (progress between 0 and 100),
	CONSTRAINT "generations_credits" CHECK (credits_spent >= 0)
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" uuid NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"state" text NOT NULL,
	"run" uuid NOT NULL,
	"status" integer,
	"answer" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_user_id_key_pk" PRIMARY KEY("user_id","key")
);
--> statement-breakpoint
CREATE TABLE "init_data_uses" (
	"hash" text NOT NULL,
	"address" text NOT NULL,
	"uses" integer NOT NULL,
	"first_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "init_data_uses_hash_address_pk" PRIMARY KEY("hash","address")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"payload" jsonb NOT NULL,
	"state" text NOT NULL,
	"priority" integer NOT NULL,
	"turn" integer NOT NULL,
	"run_at" timestamp (3) with time zone NOT NULL,
	"claims" integer NOT NULL,
	"failures" integer NOT NULL,
	"lease" uuid,
	"worker_id" uuid,
	"unique_key" text,
	"request_id" text,
	"parked_reason" text,
	"last_error" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "jobs_counts" CHECK (claims >= 0 and failures >= 0)
);
--> statement-breakpoint
CREATE TABLE "live_events" (
	"user_id" uuid NOT NULL,
	"number" bigint NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "live_events_user_id_number_pk" PRIMARY KEY("user_id","number")
);
--> statement-breakpoint
CREATE TABLE "live_sequences" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"last_number" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "live_tickets" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "owner_alerts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"level" text NOT NULL,
	"reason" text NOT NULL,
	"details" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payment_notices" (
	"id" uuid PRIMARY KEY NOT NULL,
	"address" text NOT NULL,
	"event" text,
	"object_id" text,
	"outcome" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"yookassa_id" text,
	"product" text NOT NULL,
	"credits" integer NOT NULL,
	"amount" bigint NOT NULL,
	"currency" text NOT NULL,
	"status" text NOT NULL,
	"tax_amount" bigint NOT NULL,
	"commission_amount" bigint NOT NULL,
	"commission_is_real" boolean NOT NULL,
	"refunded_amount" bigint NOT NULL,
	"tokens_used" integer NOT NULL,
	"idempotency_key" text NOT NULL,
	"is_test" boolean NOT NULL,
	"return_url" text NOT NULL,
	"confirmation_url" text,
	"cancel_reason" text,
	"flagged" text,
	"checks" integer NOT NULL,
	"next_check_at" timestamp (3) with time zone,
	"succeeded_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "payments_amounts" CHECK (amount > 0 and tax_amount >= 0 and commission_amount >= 0 and refunded_amount >= 0 and refunded_amount <= amount)
);
--> statement-breakpoint
CREATE TABLE "provider_states" (
	"provider" text PRIMARY KEY NOT NULL,
	"failures" integer NOT NULL,
	"open_until" timestamp (3) with time zone,
	"balance_millicredits" bigint,
	"balance_at" timestamp (3) with time zone,
	"told_reason" text,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rate_windows" (
	"name" text PRIMARY KEY NOT NULL,
	"recent_ms" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"used" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refunds" (
	"id" uuid PRIMARY KEY NOT NULL,
	"payment_id" uuid NOT NULL,
	"yookassa_id" text,
	"amount" bigint NOT NULL,
	"status" text NOT NULL,
	"origin" text NOT NULL,
	"reason" text NOT NULL,
	"idempotency_key" text NOT NULL,
	"credits_revoked" integer NOT NULL,
	"next_check_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "refunds_amount" CHECK (amount > 0)
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"last_slot" timestamp (3) with time zone NOT NULL,
	"runs" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"revoke_reason" text
);
--> statement-breakpoint
CREATE TABLE "tax_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"payment_id" uuid NOT NULL,
	"cause" text NOT NULL,
	"date" text NOT NULL,
	"operation_at" timestamp (3) with time zone NOT NULL,
	"gross" bigint NOT NULL,
	"buyer" text NOT NULL,
	"service" text NOT NULL,
	"state" text NOT NULL,
	"receipt_number" text,
	"annul_reason" text,
	"annul_due" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tax_entries_gross" CHECK (gross > 0)
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"telegram_id" bigint NOT NULL,
	"first_name" text NOT NULL,
	"last_name" text,
	"username" text,
	"language" text NOT NULL,
	"write_state" text NOT NULL,
	"notify_results" boolean NOT NULL,
	"notify_news" boolean NOT NULL,
	"balance_credits" integer NOT NULL,
	"reserved_credits" integer NOT NULL,
	"subscription_type" text,
	"subscription_end" timestamp (3) with time zone,
	"freemium_month" text NOT NULL,
	"freemium_actions_used" integer NOT NULL,
	"assistant_tokens" bigint NOT NULL,
	"banned_at" timestamp (3) with time zone,
	"ban_reason" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "users_balance_not_negative" CHECK (balance_credits >= 0),
	CONSTRAINT "users_reserved_not_negative" CHECK (reserved_credits >= 0),
	CONSTRAINT "users_freemium_not_negative" CHECK (freemium_actions_used >= 0)
);
--> statement-breakpoint
CREATE TABLE "workers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hostname" text NOT NULL,
	"process_id" integer NOT NULL,
	"process_start" text NOT NULL,
	"kinds" jsonb NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "chat_history" ADD CONSTRAINT "chat_history_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_history" ADD CONSTRAINT "chat_history_photo_id_files_id_fk" FOREIGN KEY ("photo_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_turns" ADD CONSTRAINT "chat_turns_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_turns" ADD CONSTRAINT "chat_turns_hold_id_credit_holds_id_fk" FOREIGN KEY ("hold_id") REFERENCES "public"."credit_holds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_variants" ADD CONSTRAINT "chat_variants_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_entries" ADD CONSTRAINT "credit_entries_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_entries" ADD CONSTRAINT "credit_entries_hold_id_credit_holds_id_fk" FOREIGN KEY ("hold_id") REFERENCES "public"."credit_holds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_entries" ADD CONSTRAINT "credit_entries_grant_id_credit_grants_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."credit_grants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_grants" ADD CONSTRAINT "credit_grants_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_hold_parts" ADD CONSTRAINT "credit_hold_parts_hold_id_credit_holds_id_fk" FOREIGN KEY ("hold_id") REFERENCES "public"."credit_holds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_hold_parts" ADD CONSTRAINT "credit_hold_parts_grant_id_credit_grants_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."credit_grants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_holds" ADD CONSTRAINT "credit_holds_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generation_attempts" ADD CONSTRAINT "generation_attempts_generation_id_generations_id_fk" FOREIGN KEY ("generation_id") REFERENCES "public"."generations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_user_photo_id_files_id_fk" FOREIGN KEY ("user_photo_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_item_photo_id_files_id_fk" FOREIGN KEY ("item_photo_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_image_file_id_files_id_fk" FOREIGN KEY ("image_file_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_marked_file_id_files_id_fk" FOREIGN KEY ("marked_file_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_preview_file_id_files_id_fk" FOREIGN KEY ("preview_file_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_marked_preview_file_id_files_id_fk" FOREIGN KEY ("marked_preview_file_id") REFERENCES "public"."files"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_hold_id_credit_holds_id_fk" FOREIGN KEY ("hold_id") REFERENCES "public"."credit_holds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tax_entries" ADD CONSTRAINT "tax_entries_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "chat_history_session" ON "chat_history" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "chat_history_user" ON "chat_history" USING btree ("user_id","updated_at");--> statement-breakpoint
CREATE INDEX "chat_history_age" ON "chat_history" USING btree ("updated_at");--> statement-breakpoint
CREATE INDEX "chat_turns_session" ON "chat_turns" USING btree ("session_id","id");--> statement-breakpoint
CREATE INDEX "chat_turns_user" ON "chat_turns" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "chat_turns_live" ON "chat_turns" USING btree ("deadline_at") WHERE state in ('queued', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX "chat_turns_client" ON "chat_turns" USING btree ("user_id","client_id");--> statement-breakpoint
CREATE INDEX "chat_variants_session" ON "chat_variants" USING btree ("session_id");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_cause" ON "credit_entries" USING btree ("cause");--> statement-breakpoint
CREATE INDEX "credit_entries_user" ON "credit_entries" USING btree ("user_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_grants_source" ON "credit_grants" USING btree ("source");--> statement-breakpoint
CREATE INDEX "credit_grants_spendable" ON "credit_grants" USING btree ("user_id","expires_at") WHERE credits_left > 0;--> statement-breakpoint
CREATE INDEX "credit_grants_expiry" ON "credit_grants" USING btree ("expires_at") WHERE credits_left > 0 and expires_at is not null;--> statement-breakpoint
CREATE INDEX "credit_hold_parts_grant" ON "credit_hold_parts" USING btree ("grant_id");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_holds_operation" ON "credit_holds" USING btree ("operation");--> statement-breakpoint
CREATE INDEX "credit_holds_user" ON "credit_holds" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "credit_holds_free" ON "credit_holds" USING btree ("user_id","free_month") WHERE free_month is not null;--> statement-breakpoint
CREATE INDEX "file_deletions_age" ON "file_deletions" USING btree ("deleted_at");--> statement-breakpoint
CREATE UNIQUE INDEX "files_storage_key" ON "files" USING btree ("storage_key");--> statement-breakpoint
CREATE INDEX "files_user" ON "files" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "files_due" ON "files" USING btree ("expires_at") WHERE deleted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "generation_attempts_number" ON "generation_attempts" USING btree ("generation_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "generation_attempts_task" ON "generation_attempts" USING btree ("provider_task_id");--> statement-breakpoint
CREATE INDEX "generations_user" ON "generations" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "generations_live" ON "generations" USING btree ("deadline_at") WHERE status in ('queued', 'submitting', 'running', 'finishing');--> statement-breakpoint
CREATE INDEX "generations_live_user" ON "generations" USING btree ("user_id") WHERE status in ('queued', 'submitting', 'running', 'finishing');--> statement-breakpoint
CREATE UNIQUE INDEX "generations_hold" ON "generations" USING btree ("hold_id");--> statement-breakpoint
CREATE INDEX "generations_recent_time" ON "generations" USING btree ("finished_at") WHERE status = 'succeeded';--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "init_data_uses_age" ON "init_data_uses" USING btree ("first_at");--> statement-breakpoint
CREATE INDEX "jobs_ready" ON "jobs" USING btree ("priority","turn","run_at","id") WHERE state = 'ready';--> statement-breakpoint
CREATE INDEX "jobs_leased" ON "jobs" USING btree ("worker_id") WHERE state = 'leased';--> statement-breakpoint
CREATE INDEX "jobs_parked" ON "jobs" USING btree ("id") WHERE state = 'parked';--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_unique_key" ON "jobs" USING btree ("unique_key");--> statement-breakpoint
CREATE INDEX "live_events_age" ON "live_events" USING btree ("at");--> statement-breakpoint
CREATE INDEX "live_tickets_age" ON "live_tickets" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "owner_alerts_recent" ON "owner_alerts" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "payment_notices_age" ON "payment_notices" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_yookassa_id" ON "payments" USING btree ("yookassa_id");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_idempotency_key" ON "payments" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "payments_user" ON "payments" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "payments_open" ON "payments" USING btree ("next_check_at") WHERE next_check_at is not null;--> statement-breakpoint
CREATE INDEX "refresh_tokens_session" ON "refresh_tokens" USING btree ("session_id");--> statement-breakpoint
CREATE UNIQUE INDEX "refunds_yookassa_id" ON "refunds" USING btree ("yookassa_id");--> statement-breakpoint
CREATE UNIQUE INDEX "refunds_idempotency_key" ON "refunds" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "refunds_payment" ON "refunds" USING btree ("payment_id");--> statement-breakpoint
CREATE INDEX "refunds_open" ON "refunds" USING btree ("next_check_at") WHERE next_check_at is not null;--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "tax_entries_cause" ON "tax_entries" USING btree ("cause");--> statement-breakpoint
CREATE INDEX "tax_entries_date" ON "tax_entries" USING btree ("date","id");--> statement-breakpoint
CREATE INDEX "tax_entries_payment" ON "tax_entries" USING btree ("payment_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_telegram_id" ON "users" USING btree ("telegram_id");