import { beforeAll, expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { files } from "../../src/features/photos/index.ts";
import { type Person, useTestApp } from "./app.ts";
import { PHONE_SECRET, tailBytesOfJpeg } from "./hostile-files.ts";
import { uploadForm } from "./pictures.ts";
import { within } from "./timing.ts";

type Bytes = Uint8Array<ArrayBuffer>;
/** A refusal of an upload. */
export type Problem = {
  code: string;
  field?: string;
  errors?: { path: string; message: string }[];
  [member: string]: unknown;
};

export const JPEG = "image/jpeg";
export const PNG = "image/png";
export const WEBP = "image/webp";

/** Far above what the routes take; alone, far below what would be felt as waiting. */
export const PROMPT_MS = within(500, 4_000);

export interface Stored {
  rows: number;
  names: string[];
}

const FOREIGN = ["Exif", "http://ns.adobe.com", "ICC_PROFILE", "Photoshop", PHONE_SECRET, "PK\x03\x04"];
const FOREIGN_TEXT = ["<script", "<html", "%PDF", "notes of the camera", "Spyphone", "evil"];

/** Asserts that the bytes are a JPEG as we encode it, and nothing besides. */
export async function expectOurEncoding(bytes: Uint8Array): Promise<void> {
  expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  expect(tailBytesOfJpeg(bytes)).toBe(0);
  const text = Buffer.from(bytes).toString("latin1");
  for (const trace of [...FOREIGN, ...FOREIGN_TEXT]) expect(text).not.toContain(trace);
  const facts = await sharp(bytes).metadata();
  expect(facts).toMatchObject({ format: "jpeg", space: "srgb", depth: "uchar", channels: 3 });
  for (const kind of ["exif", "icc", "xmp", "iptc", "orientation", "comments", "pages"]) {
    expect(facts).not.toHaveProperty(kind);
  }
}

/** The product on a real port, with a person who uploads. For the tests of the file in whose body it is called. */
export function useUploads() {
  const shared = useTestApp();
  let port = 0;
  let person: Person;
  beforeAll(async () => {
    port = await shared().listen();
    person = await shared().signIn();
  });

  const url = () => `http://127.0.0.1:${port}/api/v1/fitting/upload`;

  function send(body: BodyInit, options: { as?: Person; headers?: Record<string, string> } = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${(options.as ?? person).token}`, ...options.headers };
    return fetch(url(), { method: "POST", body, headers });
  }

  const sendPhoto = (bytes: Bytes, type = JPEG, as = person) =>
    send(uploadForm({ user_photo: { bytes, type } }), { as });

  /** What lies in the storage's folder, hidden files included, and how many rows know of pictures. */
  async function stored(): Promise<Stored> {
    const folder = join(shared().database.dataFolder, "files");
    // The storage makes its folder at the first write.
    mkdirSync(folder, { recursive: true });
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return { rows: (await shared().ctx.db.select({ id: files.id }).from(files)).length, names };
  }

  async function expectHealthy(): Promise<void> {
    const startedAt = performance.now();
    const health = await fetch(`http://127.0.0.1:${port}/health/live`);
    expect(health.status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
  }

  /** Asserts that a refusal left nothing behind. */
  async function expectNothingStored(before: Stored): Promise<void> {
    expect(await stored()).toEqual(before);
  }

  /** Asserts that all that lies in the storage is ours and known, that all that is known lies there, and a quiet log. */
  async function expectInOrder(): Promise<void> {
    const { names, rows } = await stored();
    expect(names.length).toBe(rows);
    const keys = new Set((await shared().ctx.db.select({ key: files.storageKey }).from(files)).map((row) => row.key));
    for (const name of names) {
      expect(keys.has(name.slice(join(shared().database.dataFolder, "files").length + 1))).toBe(true);
      await expectOurEncoding(readFileSync(name));
    }
    await expectHealthy();
    expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  }

  const people = { port: () => port, person: () => person };
  return { shared, ...people, send, sendPhoto, stored, expectHealthy, expectNothingStored, expectInOrder };
}
