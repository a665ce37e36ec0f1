import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { OperatorError, Refusal } from "../../platform/errors.ts";
import type { WakeUps } from "../../platform/wake.ts";
import { maintenanceSwitches } from "./tables.ts";

/** The only switch so far: whether new pictures and turns of the assistant are taken. */
const ORDERS = "orders";
/** A process that missed the wake-up goes on for so long with what it knew. */
const KNOWN_MS_MAX = 3_000;
const RETRY_AFTER_SECONDS = 600;
export const NOTICE_LENGTH_MAX = 500;
export const REASON_LENGTH_MAX = 500;

type SwitchRow = typeof maintenanceSwitches.$inferSelect;

/** Words for people in both languages; null where the owner wrote none. */
export interface Notice {
  ru: string | null;
  en: string | null;
}

/** How the server stands. `setting` wins: whoever started it with MAINTENANCE=on has to start it anew without. */
export type Maintenance =
  | { isOn: false }
  | { isOn: true; by: "setting" }
  | { isOn: true; by: "switch"; since: Date; notice: Notice | null; reason: string; changedBy: string };

export interface SwitchOrder {
  isOn: boolean;
  reason: string;
  /** Left out, people read the usual sentence. */
  notice?: Notice;
  /** `command`, or the id of an operator. */
  changedBy: string;
}

type Needs = Pick<Context, "db" | "settings" | "wakeUps">;

/** What each process knows, and since when; kept by its wake-ups, of which a process has one. */
const known = new WeakMap<WakeUps, { row: SwitchRow | null; readAtMs: number }>();
const subscribed = new WeakSet<WakeUps>();

/**
 * Switches new orders off or on for all processes at once: each hears of it by a wake-up, or finds out within seconds.
 * What is in work goes on, and so does everything that is no order. Throws an `OperatorError` for texts that are too long.
 */
export async function switchMaintenance(ctx: Context, order: SwitchOrder): Promise<Maintenance> {
  const texts = [order.notice?.ru ?? "", order.notice?.en ?? ""];
  if (texts.some((text) => text.length > NOTICE_LENGTH_MAX) || order.reason.length > REASON_LENGTH_MAX) {
    throw new OperatorError(`A text of the maintenance switch has at most ${NOTICE_LENGTH_MAX} characters.`);
  }
  const row = {
    name: ORDERS,
    isOn: order.isOn,
    reason: order.reason,
    noticeRu: order.notice?.ru ?? null,
    noticeEn: order.notice?.en ?? null,
    changedBy: order.changedBy,
    changedAt: ctx.clock.now(),
  };
  return ctx.transaction(async (tx) => {
    await tx.db
      .insert(maintenanceSwitches)
      .values(row)
      .onConflictDoUpdate({ target: maintenanceSwitches.name, set: row });
    tx.afterCommit(() => {
      known.delete(ctx.wakeUps);
      ctx.wakeUps.wake("maintenance");
    });
    ctx.log.warn(order.isOn ? "maintenance was switched on" : "maintenance was switched off", { by: order.changedBy });
    return maintenanceFrom(ctx, row);
  });
}

/** How the server stands, at most some seconds old. */
export async function maintenanceOf(ctx: Needs): Promise<Maintenance> {
  if (ctx.settings.MAINTENANCE === "on") return { isOn: true, by: "setting" };
  const remembered = known.get(ctx.wakeUps);
  if (remembered && performance.now() - remembered.readAtMs < KNOWN_MS_MAX) return maintenanceFrom(ctx, remembered.row);
  forgetAtWakeUps(ctx.wakeUps);
  const readAtMs = performance.now();
  const [row = null] = await ctx.db.select().from(maintenanceSwitches).where(eq(maintenanceSwitches.name, ORDERS));
  known.set(ctx.wakeUps, { row, readAtMs });
  return maintenanceFrom(ctx, row);
}

/** Refuses new work while the owner has switched it off. */
export async function refuseInMaintenance(ctx: Needs): Promise<void> {
  const maintenance = await maintenanceOf(ctx);
  if (!maintenance.isOn) return;
  const notice = maintenance.by === "switch" ? maintenance.notice : null;
  throw new Refusal("generation_unavailable", {
    reason: "maintenance",
    retry_after: RETRY_AFTER_SECONDS,
    ...(notice === null ? {} : { notice }),
  });
}

function maintenanceFrom(ctx: Pick<Needs, "settings">, row: SwitchRow | null): Maintenance {
  if (ctx.settings.MAINTENANCE === "on") return { isOn: true, by: "setting" };
  if (row === null || !row.isOn) return { isOn: false };
  const { changedAt, reason, changedBy, noticeRu, noticeEn } = row;
  const notice = noticeRu === null && noticeEn === null ? null : { ru: noticeRu, en: noticeEn };
  return { isOn: true, by: "switch", since: changedAt, notice, reason, changedBy };
}

function forgetAtWakeUps(wakeUps: WakeUps): void {
  if (subscribed.has(wakeUps)) return;
  subscribed.add(wakeUps);
  wakeUps.subscribe("maintenance", () => void known.delete(wakeUps));
}
