import type { Context } from "../../../context.ts";
import { isId } from "../../../platform/ids.ts";
import { type Act, recordChange } from "../../audit/index.ts";
import { type Maintenance, maintenanceOf, type Notice, switchMaintenance } from "../../maintenance/index.ts";
import { peopleById, personRef } from "../people/people.ts";

/** How the server stands, with who switched it. */
export async function maintenanceView(ctx: Pick<Context, "db" | "settings" | "wakeUps">, known?: Maintenance) {
  const state = known ?? (await maintenanceOf(ctx));
  const isSwitched = state.isOn && state.by === "switch";
  const by = isSwitched && isId(state.changedBy) ? state.changedBy : null;
  const operator = by === null ? undefined : (await peopleById(ctx, [by])).get(by);
  return {
    on: state.isOn,
    by: state.isOn ? state.by : null,
    since: isSwitched ? state.since.toISOString() : null,
    reason: isSwitched ? state.reason : null,
    notice_ru: isSwitched ? (state.notice?.ru ?? null) : null,
    notice_en: isSwitched ? (state.notice?.en ?? null) : null,
    operator: operator ? personRef(operator) : null,
  };
}

/** Switches new orders off or on for everybody, in one transaction with the entry of the trail. */
export async function switchByOperator(
  ctx: Context,
  order: Act & { operatorId: string; isOn: boolean; notice: Notice | undefined },
): Promise<Maintenance> {
  const { operatorId, reason, isOn, notice } = order;
  const before = await maintenanceOf(ctx);
  return ctx.transaction(async (tx) => {
    const state = await switchMaintenance(tx, {
      isOn,
      reason,
      changedBy: operatorId,
      ...(notice === undefined ? {} : { notice }),
    });
    await recordChange(tx, {
      operatorId,
      reason,
      action: "maintenance.switch",
      subject: "server",
      before: { on: before.isOn },
      after: { on: isOn, notice: notice !== undefined },
    });
    return state;
  });
}
