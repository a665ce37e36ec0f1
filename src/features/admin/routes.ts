import { Elysia } from "elysia";
import type { guard } from "../auth/guard.ts";
import type { AccessTokens } from "../auth/index.ts";
import { broadcastRoutes } from "./broadcasts/broadcast-routes.ts";
import { deskRoutes } from "./desk/desk-routes.ts";
import { adminGenerationRoutes } from "./generations/generation-routes.ts";
import { maintenanceRoutes } from "./maintenance/maintenance-routes.ts";
import { overviewRoutes } from "./overview/overview-routes.ts";
import { adminPaymentRoutes } from "./payments/payment-routes.ts";
import { peopleRoutes } from "./people/people-routes.ts";
import { adminQueueRoutes } from "./queue/queue-routes.ts";
import { adminTaxRoutes } from "./tax/tax-routes.ts";

/** The owner's panel. Each route asks for a role; each change for a reason, which the audit trail keeps. */
export function adminRoutes(guarded: ReturnType<typeof guard>, tokens: AccessTokens) {
  return new Elysia({ prefix: "/admin" })
    .use(deskRoutes(guarded, tokens))
    .use(overviewRoutes(guarded))
    .use(peopleRoutes(guarded))
    .use(adminPaymentRoutes(guarded))
    .use(adminTaxRoutes(guarded))
    .use(adminGenerationRoutes(guarded))
    .use(adminQueueRoutes(guarded))
    .use(broadcastRoutes(guarded))
    .use(maintenanceRoutes(guarded));
}
