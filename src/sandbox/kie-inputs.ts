/** What the real provider's fetcher calls itself is not known; any name of its own will do. */
const FETCHER_AGENT = "kie-emulator/1.0";

/**
 * Fetches a picture as the provider would: from outside, with nothing but its link. undefined when it cannot be had,
 * whatever the reason: the provider says no more either.
 */
export async function fetchInput(
  url: string,
  limits: { bytesMax: number; timeoutMs: number },
): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(url, {
      headers: { "user-agent": FETCHER_AGENT, connection: "close" },
      keepalive: false,
      signal: AbortSignal.timeout(limits.timeoutMs),
    });
    if (!response.ok || Number(response.headers.get("content-length") ?? 0) > limits.bytesMax) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    return bytes.byteLength > limits.bytesMax ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** The type of a picture by its first bytes, of the three that the models take. */
export function pictureType(bytes: Uint8Array): "image/jpeg" | "image/png" | "image/webp" | undefined {
  const text = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("RIFF") && text.slice(8) === "WEBP") return "image/webp";
  return undefined;
}
