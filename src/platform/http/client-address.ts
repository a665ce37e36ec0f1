import { BlockList, isIPv4, isIPv6 } from "node:net";
import { OperatorError } from "../errors.ts";

/**
 * The proxies whose word about the client is believed. One list for each family: in a shared one, IPv4 addresses would
 * also be looked up as IPv6, and `::/64` would trust them all.
 */
export interface TrustedProxies {
  ipv4: BlockList;
  ipv6: BlockList;
}

/** Nobody puts more proxies of their own in a row; the rest of the header is not looked at. */
const HOPS_MAX = 16;
/** Providers hand a whole /64 to one customer. */
const IPV6_NETWORK_GROUPS = 4;

/** Compiles addresses and networks (`10.0.0.0/8`, `::1`, `2001:db8::/32`). Throws `OperatorError` for a faulty one. */
export function trustedProxiesFrom(entries: readonly string[]): TrustedProxies {
  const proxies = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const entry of entries) addNetwork(proxies, entry);
  return proxies;
}

/**
 * The address a request came from, in one spelling (IPv6 shortened in lower case, IPv4 inside IPv6 as plain IPv4).
 *
 * `peer` is who holds the connection. Only when that is a trusted proxy, `X-Forwarded-For` is walked from right to
 * left, past further trusted proxies, to the first address that is not one: everything left of it is the client's own
 * writing. An entry that is no address ends the walk, and the proxy that passed it on counts as the client.
 */
export function clientAddress(options: {
  peer: string;
  forwardedFor: string | null | undefined;
  trustedProxies: TrustedProxies;
}): string {
  let address = normaliseAddress(options.peer) ?? options.peer;
  for (const hop of hopsFromTheRight(options.forwardedFor ?? "")) {
    if (!isTrusted(options.trustedProxies, address)) return address;
    const next = normaliseAddress(withoutPort(hop));
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** The server that requests come through. */
export interface Connections {
  requestIP(request: Request): { address: string } | null;
}

/** Reads the address that a request came from. Asked only where it is needed: the runtime asks the kernel each time. */
export type AddressReader = (request: Request) => string;

/** Nobody's: the connection is gone, or is none that has an address. No proxy to trust, and one allowance for them all. */
const UNKNOWN_ADDRESS = "unknown";

/** Without a server a request comes from this very process: a test's, or a page's of ours. */
export function addressReader(trustedProxies: TrustedProxies, connections: () => Connections | null): AddressReader {
  return (request) => {
    const server = connections();
    return clientAddress({
      peer: server === null ? "127.0.0.1" : (server.requestIP(request)?.address ?? UNKNOWN_ADDRESS),
      forwardedFor: request.headers.get("x-forwarded-for"),
      trustedProxies,
    });
  };
}

/** Whether `address` lies in one of the networks; IPv4 inside IPv6 counts as IPv4. */
export function isTrusted(proxies: TrustedProxies, address: string): boolean {
  const plain = normaliseAddress(address);
  if (plain === undefined) return false;
  const family = familyOf(plain);
  return proxies[family].check(plain, family);
}

/** What to count requests by: an IPv4 address itself, the /64 of an IPv6 address, which one customer holds entirely. */
export function addressNetwork(address: string): string {
  const plain = normaliseAddress(address);
  if (plain === undefined) return address;
  if (isIPv4(plain)) return plain;
  const [head = "", tail] = plain.split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return normaliseAddress(`${groups.slice(0, IPV6_NETWORK_GROUPS).join(":")}::`) ?? address;
}

function addNetwork(proxies: TrustedProxies, entry: string): void {
  const [text = "", prefix, ...rest] = entry.trim().split("/");
  const address = normaliseAddress(text);
  const fault = new OperatorError(
    `TRUSTED_PROXIES: "${entry}" is neither an address nor a network such as 10.0.0.0/8.`,
  );
  if (address === undefined || rest.length > 0) throw fault;
  const family = familyOf(address);
  if (prefix === undefined) {
    proxies[family].addAddress(address, family);
    return;
  }
  // ::ffff:10.0.0.0/104 became an IPv4 address above, and its prefix counts 96 bits of wrapping.
  const wrappingBits = family === "ipv4" && isIPv6(text) ? 96 : 0;
  const bits = Number(prefix) - wrappingBits;
  if (!/^[0-9]{1,3}$/.test(prefix) || bits < 0 || bits > (family === "ipv4" ? 32 : 128)) throw fault;
  proxies[family].addSubnet(address, bits, family);
}

/** What stands at the right end was written by the nearest proxy. */
function hopsFromTheRight(header: string): string[] {
  const hops = header.split(",").reverse().slice(0, HOPS_MAX);
  return hops.map((hop) => hop.trim()).filter((hop) => hop !== "");
}

/** `203.0.113.7:4711` and `[2001:db8::1]:443`, as some proxies write them. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}

function normaliseAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const withoutZone = text.split("%", 1)[0] ?? "";
  if (!isIPv6(withoutZone)) return undefined;
  // The URL standard's serialiser is the canonical spelling of RFC 5952.
  const canonical = URL.parse(`http://[${withoutZone}]/`)?.hostname.slice(1, -1);
  const wrapped = canonical === undefined ? null : /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (wrapped === null) return canonical;
  const high = Number.parseInt(wrapped[1] ?? "", 16);
  const low = Number.parseInt(wrapped[2] ?? "", 16);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
