/** A block of addresses: all whose first `bits` bits equal those of `start`. */
type Block = readonly [start: string, bits: number];

/** IPv4 that is not the public internet (IANA's special-purpose registry), multicast and the reserved rest included. */
const CLOSED_V4: readonly Block[] = [
  ["0.0.0.0", 8], // "this network"; 0.0.0.0 reaches this machine
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // behind a carrier's NAT
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local, where clouds keep their metadata
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4 relays
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, and broadcast
];

/** Within 2000::/3, the only part of IPv6 that is routed publicly, these are not. */
const CLOSED_V6: readonly Block[] = [
  ["2001::", 23], // protocol assignments, Teredo among them
  ["2001:db8::", 32], // documentation
  ["3fff::", 20], // documentation
];

/** IPv6 that carries an IPv4 address, and the group of 16 bits at which that begins; it is judged by what it carries. */
const CARRIERS: readonly (readonly [start: string, bits: number, firstGroup: number])[] = [
  ["::ffff:0:0", 96, 6], // v4-mapped
  ["64:ff9b::", 96, 6], // NAT64
  ["2002::", 16, 1], // 6to4
];

/**
 * Whether `address` belongs to the public internet. Takes an address as DNS gives it; any other spelling (decimal, octal,
 * hex, with a zone) is not public, as nobody can be sure how the next layer reads it.
 */
export function isPublicAddress(address: string): boolean {
  const v4 = parseV4(address);
  if (v4 !== undefined) return isPublicV4(v4);
  const v6 = parseV6(address);
  if (v6 === undefined) return false;
  for (const [start, bits, firstGroup] of CARRIERS) {
    if (within(v6, parseV6(start) ?? [], bits, 16)) {
      return isPublicV4([v6[firstGroup] ?? 0, v6[firstGroup + 1] ?? 0].flatMap((group) => [group >> 8, group & 0xff]));
    }
  }
  if (!within(v6, [0x2000], 3, 16)) return false;
  return !CLOSED_V6.some(([start, bits]) => within(v6, parseV6(start) ?? [], bits, 16));
}

/** Whether a URL's host is this machine itself: 127.0.0.0/8, ::1 or the name localhost. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host.replace(/^\[|\]$/g, ""));
}

/** Whether an address is of this machine's loopback. */
export function isLoopbackAddress(address: string): boolean {
  return parseV4(address)?.[0] === 127 || address === "::1";
}

function isPublicV4(bytes: readonly number[]): boolean {
  return !CLOSED_V4.some(([start, bits]) => within(bytes, parseV4(start) ?? [], bits, 8));
}

/** Whether the first `bits` bits of `parts` equal those of `start`; each part has `width` bits. */
function within(parts: readonly number[], start: readonly number[], bits: number, width: number): boolean {
  for (let index = 0, left = bits; left > 0; index += 1, left -= width) {
    const shift = Math.max(0, width - left);
    if ((parts[index] ?? 0) >> shift !== (start[index] ?? 0) >> shift) return false;
  }
  return true;
}

function parseV4(text: string): number[] | undefined {
  if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(text)) return undefined;
  const bytes = text.split(".");
  // A leading zero is octal to some and decimal to others.
  if (bytes.some((byte) => Number(byte) > 255 || (byte.length > 1 && byte.startsWith("0")))) return undefined;
  return bytes.map(Number);
}

/** The eight groups of an IPv6 address; undefined for anything else. */
function parseV6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "");
  const tail = parseGroups(halves[1] ?? "");
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? parseV4(part) : undefined;
    if (v4 !== undefined) {
      groups.push(((v4[0] ?? 0) << 8) | (v4[1] ?? 0), ((v4[2] ?? 0) << 8) | (v4[3] ?? 0));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}
