import { describe, expect, test } from "bun:test";
import { createArchiveWriter } from "../../../src/platform/backup/archive-writer.ts";
import { ArchiveFault, streamSource, tarEntries, tarHeader } from "../../../src/platform/backup/tar.ts";

const AT = new Date("2026-11-22T12:00:00Z");

async function archiveOf(entries: Record<string, string>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const writer = createArchiveWriter(async (bytes) => void pieces.push(bytes), AT);
  for (const [name, text] of Object.entries(entries)) await writer.add(name, Buffer.from(text));
  await writer.seal();
  return Buffer.concat(pieces);
}

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function read(bytes: Uint8Array, chunk = 700): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of tarEntries(streamSource(inChunks(bytes, chunk)))) {
    found[entry.name] = Buffer.from(await entry.content()).toString();
  }
  return found;
}

const LONG = `files/${"a".repeat(60)}/${"b".repeat(90)}.jpg`;
const ENTRIES = { "header.json": "{}", empty: "", [LONG]: "long", full: "x".repeat(512), more: "y".repeat(513) };

describe("the archive", () => {
  test("comes back from chunks of any size, and another reader finds the same", async () => {
    const bytes = await archiveOf(ENTRIES);
    for (const size of [1, 511, 512, 10_000]) expect(await read(bytes, size)).toMatchObject(ENTRIES);
    const files = await new Bun.Archive(bytes).files();
    for (const [name, text] of Object.entries(ENTRIES)) expect(await files.get(name)?.text()).toBe(text);
  });

  test("leaps over what nobody asks for", async () => {
    const names: string[] = [];
    for await (const entry of tarEntries(streamSource(inChunks(await archiveOf(ENTRIES), 100)))) names.push(entry.name);
    expect(names).toEqual([...Object.keys(ENTRIES), "sha256"]);
  });

  test("has no names that leave a folder in doubt, and no sizes beyond its fields", () => {
    for (const name of ["", "a b", "ä", "a\n", `${"a".repeat(101)}`, `${"a".repeat(156)}/b`]) {
      expect(() => tarHeader({ name, bytes: 0, modified: 0 })).toThrow();
    }
    expect(() => tarHeader({ name: "a", bytes: 8 ** 11, modified: 0 })).toThrow("too large");
  });

  test("is refused where it was cut off, goes on, or has anything in what should be empty", async () => {
    const bytes = await archiveOf(ENTRIES);
    for (const length of [0, 1, 511, 512, bytes.length - 1024, bytes.length - 1]) {
      expect(read(bytes.subarray(0, length))).rejects.toThrow(ArchiveFault);
    }
    expect(read(Buffer.concat([bytes, new Uint8Array(1)]))).rejects.toThrow("it goes on behind its end");
    const filled = Buffer.from(bytes);
    filled[515] = 1;
    expect(read(filled)).rejects.toThrow("it has something behind header.json");
  });

  test("is refused with any bit of a head turned", async () => {
    const bytes = await archiveOf({ a: "b" });
    for (let bit = 0; bit < 512 * 8; bit += 1) {
      const turned = Buffer.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(read(turned)).rejects.toThrow(ArchiveFault);
    }
  });
});
