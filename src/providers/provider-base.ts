import { OperatorError } from "../platform/errors.ts";
import { isLoopbackHost } from "./address-check.ts";

/**
 * The base address of a provider's API without a slash at its end; `basePath` is added where the address names a host
 * alone. Throws an `OperatorError` that names the setting for anything but https, or http on loopback where that is allowed:
 * a key would travel in the clear.
 */
export function providerBase(
  setting: string,
  url: string,
  options: { loopbackAllowed: boolean; basePath?: string },
): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const onLoopback = parsed?.protocol === "http:" && options.loopbackAllowed && isLoopbackHost(parsed.hostname);
  if (parsed === undefined || !(parsed.protocol === "https:" || onLoopback)) {
    throw new OperatorError(
      `${setting}: "${url}" must start with https:// (plain http is for this machine only, with PROVIDER_LOOPBACK=allow).`,
    );
  }
  const base = url.replace(/\/+$/, "");
  return parsed.pathname === "/" ? base + (options.basePath ?? "") : base;
}
