import { crc32 } from "node:zlib";

const CENTRAL_ENTRY = 0x02014b50;
const END = 0x06054b50;

/**
 * The entries of a zip by their names, read through its directory as every program does. Only what is stored without
 * compression; each entry's checksum and length are compared.
 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array> {
  const zip = Buffer.from(bytes);
  const end = zip.lastIndexOf(Buffer.from(uint32(END)));
  if (end < 0) throw new Error("there is no end of a zip in it");
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  const entries = new Map<string, Uint8Array>();
  for (let place = 0; place < count; place += 1) {
    if (zip.readUInt32LE(at) !== CENTRAL_ENTRY) throw new Error("the directory of the zip is broken");
    const [method, crc, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 24)];
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    const header = zip.readUInt32LE(at + 42);
    const name = zip.toString("utf8", at + 46, at + 46 + (nameLength ?? 0));
    const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    const content = zip.subarray(start, start + size);
    if (method !== 0) throw new Error(`${name} is compressed`);
    if (entries.has(name)) throw new Error(`${name} is in it twice`);
    if (crc32(content) !== crc) throw new Error(`${name} does not have its checksum`);
    entries.set(name, new Uint8Array(content));
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
  return entries;
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
