import { Elysia } from "elysia";
import { NoQuerySchema } from "../../../platform/http/schemas.ts";
import type { guard } from "../../auth/guard.ts";
import { maintenanceView, switchByOperator } from "./maintenance.ts";
import { MaintenanceAnswer, MaintenanceBody } from "./maintenance-schemas.ts";

/** The switch that refuses new orders. */
export function maintenanceRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/maintenance", tags: ["admin"] })
    .use(guarded)
    .get("/", ({ ctx }) => maintenanceView(ctx), {
      viewer: "read",
      query: NoQuerySchema,
      response: { 200: MaintenanceAnswer },
      detail: { summary: "Whether new orders are taken" },
    })
    .post(
      "/",
      async ({ body, person, ctx }) => {
        const { notice_ru: ru = null, notice_en: en = null } = body;
        const state = await switchByOperator(ctx, {
          operatorId: person.id,
          reason: body.reason,
          isOn: body.on,
          notice: ru === null && en === null ? undefined : { ru, en },
        });
        return maintenanceView(ctx, state);
      },
      {
        owner: "write",
        query: NoQuerySchema,
        body: MaintenanceBody,
        response: { 200: MaintenanceAnswer },
        detail: { summary: "Switch new orders off or on", description: "For all processes, within seconds." },
      },
    );
}
