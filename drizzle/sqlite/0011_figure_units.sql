ALTER TABLE `day_figures` RENAME COLUMN "paid" TO "paid_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "base" TO "base_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "tax" TO "tax_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "commission" TO "commission_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "commission_forecast" TO "commission_forecast_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "test" TO "test_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "picture_cost" TO "picture_cost_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "turn_cost" TO "turn_cost_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "kie_thousand" TO "kie_thousand_kopecks";--> statement-breakpoint
ALTER TABLE `day_figures` RENAME COLUMN "dollar" TO "dollar_kopecks";--> statement-breakpoint
ALTER TABLE `product_figures` RENAME COLUMN "paid" TO "paid_kopecks";--> statement-breakpoint
ALTER TABLE `product_figures` RENAME COLUMN "base" TO "base_kopecks";--> statement-breakpoint
ALTER TABLE `product_figures` RENAME COLUMN "tax" TO "tax_kopecks";--> statement-breakpoint
ALTER TABLE `product_figures` RENAME COLUMN "commission" TO "commission_kopecks";--> statement-breakpoint
ALTER TABLE `action_figures` RENAME COLUMN "cost" TO "cost_kopecks";