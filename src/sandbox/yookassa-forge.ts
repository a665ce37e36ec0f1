import { newObjectId } from "./yookassa-records.ts";

/** An address of the provider's published list, and one that is not on it. */
export const OFFICIAL_SOURCE = "185.71.76.5";
const FOREIGN_SOURCE = "198.51.100.66";
const FORGED_AMOUNT = "100000.00";

/** What is posted to the shop. */
export interface ForgedNotice {
  body: string;
  /** Named in `X-Forwarded-For`; an official one if absent. */
  source?: string;
}

/** The notice of an event, true unless `mode` wants it otherwise. Its object is a copy as of now. */
export function forgedNotice(event: string, object: Record<string, unknown>, mode?: string): ForgedNotice {
  const notice = (told: Record<string, unknown>, name = event): ForgedNotice => ({
    body: JSON.stringify({ type: "notification", event: name, object: told }),
  });
  switch (mode) {
    case "forged_amount":
      return notice({ ...object, amount: { value: FORGED_AMOUNT, currency: "RUB" } });
    case "forged_status":
      return object.status === "succeeded"
        ? notice({ ...object, status: "canceled", paid: false }, "payment.canceled")
        : notice({ ...object, status: "succeeded", paid: true }, "payment.succeeded");
    case "forged_id":
      return notice({ ...object, id: newObjectId(new Date(), "000f") });
    case "forged_order":
      return notice({ ...object, metadata: { order_id: "00000000-0000-7000-8000-000000000000" } });
    case "foreign_source":
      return { ...notice(object), source: FOREIGN_SOURCE };
    case "unknown_shape":
      return { body: JSON.stringify({ hello: "world", object: [] }) };
    case "not_json":
      return { body: "<html>502</html>" };
    default:
      return notice(object);
  }
}
