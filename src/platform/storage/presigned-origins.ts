import type { Settings } from "../config/settings.ts";

/**
 * Where browsers are sent on to for pictures, as a page's policy names it: the storage's host, and the one that the bucket's
 * name may stand before. Empty where pictures come through this server.
 */
export function presignedOrigins({ S3_LINKS, S3_ENDPOINT }: Pick<Settings, "S3_LINKS" | "S3_ENDPOINT">): string[] {
  if (S3_LINKS !== "presigned") return [];
  const endpoint = URL.parse(S3_ENDPOINT);
  // Without an endpoint it is AWS.
  if (endpoint === null) return ["https://*.amazonaws.com"];
  return [endpoint.origin, `${endpoint.protocol}//*.${endpoint.host}`];
}
