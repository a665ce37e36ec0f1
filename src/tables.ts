/** Every table, for drizzle-kit, `copy` and the checks that walk the whole schema. */
export * from "./features/auth/tables.ts";
export * from "./features/billing/payment-tables.ts";
export * from "./features/billing/subscription-tables.ts";
export * from "./features/billing/tables.ts";
export * from "./features/editing/tables.ts";
export * from "./features/generations/tables.ts";
export * from "./features/notifications/tables.ts";
export * from "./features/photos/tables.ts";
export * from "./features/privacy/tables.ts";
export * from "./features/profile/tables.ts";
export * from "./platform/http/tables.ts";
export * from "./platform/limits/tables.ts";
export * from "./platform/live/tables.ts";
export * from "./platform/queue/tables.ts";
