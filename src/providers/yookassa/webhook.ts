import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { parseJson } from "../provider-http.ts";
import { isYooKassaId } from "./wire.ts";

/**
 * Where notices come from, as YooKassa's page about incoming notices lists it (seen in autumn 2026). Nothing is signed,
 * so the list is a second net only: the object is read back in any case.
 */
export const NOTICE_NETWORKS: readonly string[] = [
  "185.71.76.0/27",
  "185.71.77.0/27",
  "77.75.153.0/25",
  "77.75.154.128/25",
  "77.75.156.11",
  "77.75.156.35",
  "2a02:5180::/32",
];

const OBJECT_TYPES = ["payment", "refund", "payment_method", "payout", "deal"] as const;

/** That something happened to an object. A hint to read the object again, never the truth about it. */
export interface Notice {
  /** Such as `payment.succeeded`. */
  event: string;
  objectType: (typeof OBJECT_TYPES)[number];
  objectId: string;
}

const NoticeBody = Type.Object({
  type: Type.Literal("notification"),
  event: Type.String({ pattern: "^[a-z_]{1,40}\\.[a-z_]{1,40}$" }),
  object: Type.Object({ id: Type.String() }),
});

/**
 * Reads a notice from its body, as text or as parsed JSON. Null for everything of another shape; never throws. Nothing
 * but the id is taken from it: whoever knows our address can send amounts and states of its own making.
 */
export function parseNotice(body: unknown): Notice | null {
  const json = typeof body === "string" ? parseJson(body) : body;
  if (!Value.Check(NoticeBody, json) || !isYooKassaId(json.object.id)) return null;
  const objectType = OBJECT_TYPES.find((type) => json.event.startsWith(`${type}.`));
  return objectType === undefined ? null : { event: json.event, objectType, objectId: json.object.id };
}
