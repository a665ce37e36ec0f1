import { noticeState, oldestUnregistered, registrationDeadline } from "../../features/billing/index.ts";
import { recentAlerts } from "../../features/notifications/index.ts";
import { after, DAY_MS, HOUR_MS, SECOND_MS } from "../../platform/clock.ts";
import { isLoopback } from "../../platform/config/load.ts";
import type { Settings } from "../../platform/config/settings.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { moscowDate } from "../../platform/moscow.ts";
import { silentLog } from "../../platform/telemetry/log.ts";
import { createYooKassaClient, type YooKassaClient } from "../../providers/yookassa/client.ts";
import type { YooKassaShop } from "../../providers/yookassa/objects.ts";
import { shownMoment } from "../command.ts";
import { type DoctorCheck, type Finding, failed, NotExamined, ok, type Patient, warning } from "./check.ts";

const TIMEOUT_MS = 25 * SECOND_MS;
const QUERY_MS_MAX = 6 * SECOND_MS;
const TOTAL_MS_MAX = 10 * SECOND_MS;
/** A shop that was refused stored cards once is told of as long as this. */
const REFUSAL_REMEMBERED_MS = 30 * DAY_MS;
const ALERTS_LOOKED_AT = 200;
/** A notice comes within seconds; those that fail come again for a day. */
const NOTICE_LATE_MS = HOUR_MS;
/** So many days before the deadline somebody has to act. */
const DEADLINE_DAYS_WARNING = 3;
const WEBHOOK_PATH = "/api/v1/payments/webhook";
const NEEDS = [
  "YOOKASSA_SHOP_ID",
  "YOOKASSA_SECRET_KEY",
  "YOOKASSA_API_URL",
  "YOOKASSA_AUTOPAYMENTS",
  "PROVIDER_LOOPBACK",
] as const;
const OFF = "Switched off: YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY are not set, and nothing is sold.";

/** The shop's keys work, money that should be real is real, and payments as we order them are taken. Asks YooKassa itself. */
export const shopCheck: DoctorCheck = {
  name: "shop",
  needs: [...NEEDS, "PUBLIC_URL"],
  timeoutMs: TIMEOUT_MS,
  async run(patient) {
    const { settings } = patient.checked;
    if (!isSelling(settings)) return ok(OFF);
    const client = createYooKassaClient({
      apiUrl: settings.YOOKASSA_API_URL,
      shopId: settings.YOOKASSA_SHOP_ID,
      secretKey: settings.YOOKASSA_SECRET_KEY,
      log: silentLog,
      loopbackAllowed: settings.PROVIDER_LOOPBACK === "allow",
      timeouts: { queryMs: QUERY_MS_MAX, totalMs: TOTAL_MS_MAX },
    });
    try {
      return judge(await shopOf(client), settings, await autopaymentsWereRefused(patient));
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const isKey = error.kind === "unauthorized";
      const advice = isKey
        ? "Are YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY of the same shop, and is the key still in force?"
        : "Does this machine reach the Internet, and does YooKassa work?";
      return failed(`${error.message}. ${advice}`);
    }
  },
};

/** What the shop tells of itself; null where its keys work and only may not ask that, which a list of payments shows. */
async function shopOf(client: YooKassaClient): Promise<YooKassaShop | null> {
  try {
    return await client.me();
  } catch (error) {
    if (!(error instanceof ProviderFailure) || error.kind !== "unauthorized") throw error;
    await client.listPayments({ limit: 1 });
    return null;
  }
}

function judge(shop: YooKassaShop | null, settings: Settings, wasRefused: boolean): Finding {
  const isLiveKey = settings.YOOKASSA_SECRET_KEY.startsWith("live_");
  const kind = isLiveKey ? "live: real money" : "test: no money moves";
  const text = `The keys of shop ${settings.YOOKASSA_SHOP_ID} work (${kind}).`;
  const faults: string[] = [];
  const complaints: string[] = [];
  if (shop !== null) faults.push(...faultsOf(shop, settings, isLiveKey));
  if (!isLiveKey && !isLoopback(new URL(settings.PUBLIC_URL).hostname)) {
    complaints.push("People can reach this server and pay with test cards. Take the live key when the shop is open.");
  }
  if (settings.YOOKASSA_AUTOPAYMENTS === "on" && wasRefused) {
    complaints.push(
      "YOOKASSA_AUTOPAYMENTS=on, and YooKassa refused to store a card lately: ask its manager to allow it, or set it to off.",
    );
  }
  if (faults.length > 0) return failed(text, [...faults, ...complaints]);
  if (complaints.length > 0) return warning(text, complaints);
  const untold = shop === null ? " It tells nothing more of itself to this key." : "";
  return ok(`${text}${untold}${methodsIn(shop)}`);
}

function faultsOf(shop: YooKassaShop, settings: Settings, isLiveKey: boolean): string[] {
  const faults: string[] = [];
  if (shop.shopId !== settings.YOOKASSA_SHOP_ID) {
    faults.push(`The key is of shop ${shop.shopId}: correct YOOKASSA_SHOP_ID, or take that shop's key.`);
  }
  if (shop.test !== undefined && shop.test === isLiveKey) {
    faults.push(
      isLiveKey
        ? "The key begins with live_, but the shop is a test shop: its payments would all be refused here."
        : "The shop is live, but the key does not begin with live_: real payments would be taken for tests.",
    );
  }
  if (shop.fiscalization === true) {
    faults.push(
      "The shop wants a receipt (54-FZ) with each payment and refuses those without. A self-employed seller has none: switch fiscalization off in the cabinet.",
    );
  }
  if (shop.status !== undefined && shop.status !== "enabled")
    faults.push(`The shop is ${shop.status}: nobody can pay.`);
  return faults;
}

function methodsIn(shop: YooKassaShop | null): string {
  return shop === null || shop.paymentMethods.length === 0 ? "" : ` Paid by: ${shop.paymentMethods.join(", ")}.`;
}

/** Only trying shows whether a shop may store cards; the owner was told when it was refused. */
async function autopaymentsWereRefused(patient: Patient): Promise<boolean> {
  try {
    const { ctx } = await patient.openWithSchema();
    const alerts = await recentAlerts(ctx, after(ctx.clock.now(), -REFUSAL_REMEMBERED_MS), ALERTS_LOOKED_AT);
    return alerts.some((alert) => alert.reason === "autopayments_refused");
  } catch (error) {
    if (error instanceof NotExamined) return false;
    throw error;
  }
}

/** YooKassa's notices arrive, and are believed. */
export const noticesCheck: DoctorCheck = {
  name: "shop notices",
  needs: [...NEEDS, "DATABASE_URL", "DATA_DIR", "PUBLIC_URL"],
  async run(patient) {
    const { settings } = patient.checked;
    if (!isSelling(settings)) return ok(OFF);
    const { ctx } = await patient.openWithSchema();
    const { lastNoticeAt, lastForeignAt, lastForeignAddress, lastPaidAt } = await noticeState(ctx);
    const since = (at: Date) => ctx.clock.now().getTime() - at.getTime();
    const text =
      lastNoticeAt === null ? "None was ever received." : `The last one came at ${shownMoment(lastNoticeAt)}.`;
    const isForeignNewer = lastForeignAt !== null && (lastNoticeAt === null || lastForeignAt > lastNoticeAt);
    if (isForeignNewer && since(lastForeignAt) < DAY_MS) {
      return warning(
        `${text} Later ones came from ${lastForeignAddress}, which is not YooKassa's, and were left unread.`,
        [
          "Behind a proxy, name it in TRUSTED_PROXIES and have it pass on X-Forwarded-For. Otherwise somebody forges notices, to no avail.",
        ],
      );
    }
    const isMissed =
      lastPaidAt !== null &&
      since(lastPaidAt) > NOTICE_LATE_MS &&
      (lastNoticeAt === null || lastPaidAt.getTime() - lastNoticeAt.getTime() > NOTICE_LATE_MS);
    if (!isMissed) return ok(lastNoticeAt === null ? `${text} Nothing was paid yet.` : text);
    return warning(`${text} The payment of ${shownMoment(lastPaidAt)} was found by asking, minutes late.`, [
      `Name ${settings.PUBLIC_URL}${WEBHOOK_PATH} in YooKassa's cabinet for payment.succeeded, payment.canceled and refund.succeeded.`,
    ]);
  },
};

/** Every sale is registered in time, by the connector or by hand. */
export const taxDeadlineCheck: DoctorCheck = {
  name: "tax deadline",
  needs: ["DATABASE_URL", "DATA_DIR"],
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    // By hand too: a test shop's sales are nobody's income once the shop is live.
    const isReal = ctx.taxService?.isReal ?? ctx.settings.YOOKASSA_SECRET_KEY.startsWith("live_");
    const date = await oldestUnregistered(ctx, isReal);
    if (date === null) return ok("No sale waits to be registered.");
    const deadline = registrationDeadline(date);
    const daysLeft = Math.round((Date.parse(deadline) - Date.parse(moscowDate(ctx.clock.now()))) / DAY_MS);
    const text = `The oldest sale that is not registered is of ${date}; it has to be by ${deadline}`;
    const advice = "Register what waits: atelier tax export, then atelier tax mark; or see tax service.";
    if (daysLeft < 0) return failed(`${text}, which is past. ${advice}`);
    const left = `${text}, in ${daysLeft} days.`;
    return daysLeft <= DEADLINE_DAYS_WARNING ? warning(`${left} ${advice}`) : ok(left);
  },
};

function isSelling(settings: Settings): boolean {
  return settings.YOOKASSA_SHOP_ID !== "" && settings.YOOKASSA_SECRET_KEY !== "";
}
