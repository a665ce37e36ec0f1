import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readArchiveFile } from "../../src/platform/backup/archive-file.ts";
import type { BackupHeader, BackupManifest } from "../../src/platform/backup/format.ts";
import { existingTables } from "../../src/platform/db/inspect.ts";
import { OperatorError } from "../../src/platform/errors.ts";
import { startTestApp } from "../support/app.ts";
import { backUp, backupFolder, entriesOf, type ForgedEntry, operate, sealed } from "../support/backups.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { fillEveryTable } from "../support/every-table.ts";
import { faultsSeed, seededRandom } from "../support/seeded-random.ts";

/** Random damages of each of five kinds; the bytes are read alike in both lanes. `DAMAGES` takes more by hand. */
const DAMAGES = Number(process.env.DAMAGES ?? (lane === "sqlite" ? 40 : 4));
const folder = backupFolder();
const damagedFile = join(folder, "damaged.tar");
let whole: Uint8Array;
let entries: ForgedEntry[];
let place: TestDatabase;

beforeAll(async () => {
  const app = await startTestApp({ clock: createTestClock(new Date()), keepOpen: true });
  await fillEveryTable(app);
  await backUp(app.database, join(folder, "whole.tar"));
  await app.close();
  whole = new Uint8Array(readFileSync(join(folder, "whole.tar")));
  entries = await entriesOf(whole);
  place = await createTestDatabase({ empty: true });
}, 60_000);
afterAll(() => place.remove());

/** The sentence with which the reader refuses; null where it takes the backup for whole. */
async function refusal(bytes: Uint8Array): Promise<string | null> {
  writeFileSync(damagedFile, bytes);
  try {
    for await (const _piece of readArchiveFile(damagedFile, { rows: true, files: true, verify: true }));
    return null;
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
}

async function expectUntouched() {
  expect(existsSync(join(place.dataFolder, "atelier.sqlite"))).toBe(false);
  expect(existsSync(join(place.dataFolder, "files"))).toBe(false);
  if (lane === "sqlite") return;
  const open = await openTestDatabase(place);
  expect(await existingTables(open)).toEqual([]);
  await open.close();
}

describe("a damaged backup", () => {
  test("X10 is found out wherever a bit was turned, a byte lost or its end cut off", async () => {
    expect(await refusal(whole)).toBeNull();
    const seed = faultsSeed("DAMAGES");
    const random = seededRandom(seed);
    const at = () => Math.floor(random() * whole.length);
    const taken: string[] = [];
    for (let time = 0; time < DAMAGES; time += 1) {
      const place = at();
      const turned = Uint8Array.from(whole);
      turned[place] = (turned[place] ?? 0) ^ (1 << Math.floor(random() * 8));
      const from = at();
      const block = Math.floor(from / 512) * 512;
      const swapped = Uint8Array.from(whole);
      swapped.copyWithin(block, Math.floor(at() / 512) * 512, Math.floor(at() / 512) * 512);
      const damages: Record<string, Uint8Array> = {
        [`bit turned at ${place}`]: turned,
        [`cut off at ${from}`]: whole.subarray(0, from),
        [`block lost at ${block}`]: Buffer.concat([whole.subarray(0, block), whole.subarray(block + 512)]),
        [`byte lost at ${from}`]: Buffer.concat([whole.subarray(0, from), whole.subarray(from + 1)]),
        [`blocks copied to ${block}`]: swapped,
      };
      for (const [what, bytes] of Object.entries(damages)) {
        const isSame = bytes.length === whole.length && Buffer.compare(bytes, whole) === 0;
        if (!isSame && (await refusal(bytes)) === null) taken.push(`${what} (seed ${seed})`);
      }
    }
    expect(taken).toEqual([]);
  }, 120_000);

  test("X10 is found out where only the hash of the whole can tell", async () => {
    // The first bytes of a compressed part name a program and a time; words of the manifest's sums mean nothing to the reader.
    const marks = [Buffer.from([0x1f, 0x8b, 0x08]), Buffer.from('"credits held"'), Buffer.from('"write_state"')];
    for (const mark of marks) {
      const place = Buffer.from(whole).indexOf(mark);
      expect(place).toBeGreaterThan(0);
      const turned = Uint8Array.from(whole);
      const behind = place + (mark[0] === 0x1f ? 9 : 2);
      turned[behind] = (turned[behind] ?? 0) ^ 1;
      expect(await refusal(turned)).toMatch(/its hash differs|damaged manifest/);
    }
  });

  test("X10 is refused by restore with a sentence, and nothing is touched", async () => {
    const half = Math.floor(whole.length / 2);
    const turned = Uint8Array.from(whole);
    turned[half] = (turned[half] ?? 0) ^ 1;
    const damages = [
      turned,
      whole.subarray(0, half),
      new Uint8Array(),
      Buffer.from("not a tar file"),
      Buffer.alloc(4_096),
    ];
    for (const bytes of damages) {
      writeFileSync(damagedFile, bytes);
      const { code, out, err } = await operate(place, "restore", damagedFile);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toMatch(/^atelier: .* is no whole backup, it .*\. Nothing was changed; take another one\.\n$/);
      await expectUntouched();
    }
    const missing = await operate(place, "restore", join(folder, "missing.tar"));
    expect(missing.err).toContain("missing.tar cannot be read");
    await expectUntouched();
  });
});

/** Changes one entry's JSON. */
function withJson<T>(name: string, change: (value: T) => void): ForgedEntry[] {
  return entries.map((entry) => {
    if (entry.name !== name) return entry;
    const value = JSON.parse(Buffer.from(entry.bytes).toString()) as T;
    change(value);
    return { name, bytes: Buffer.from(JSON.stringify(value)) };
  });
}

const withManifest = (change: (manifest: BackupManifest) => void) => withJson<BackupManifest>("manifest.json", change);
/** Header and manifest say the same of what it is. */
const withHeader = (change: (header: BackupHeader) => void) => {
  const both = withManifest((manifest) => change(manifest.header));
  const header = withJson<BackupHeader>("header.json", change)[0];
  return header ? [header, ...both.slice(1)] : both;
};

const placeOf = (pattern: RegExp) => entries.findIndex(({ name }) => pattern.test(name));
const without = (pattern: RegExp) => entries.filter((_, place) => place !== placeOf(pattern));

function swapped(first: RegExp, second: RegExp): ForgedEntry[] {
  const forged = [...entries];
  const [a, b] = [placeOf(first), placeOf(second)];
  [forged[a], forged[b]] = [forged[b] as ForgedEntry, forged[a] as ForgedEntry];
  return forged;
}

function withOtherFile(): ForgedEntry[] {
  const place = placeOf(/^files\//);
  const other = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte));
  return entries.map((entry, at) => (at === place ? { ...entry, bytes: other(entry.bytes) } : entry));
}

function swappedFiles(): ForgedEntry[] {
  const [first, second] = entries.filter(({ name }) => name.startsWith("files/")) as [ForgedEntry, ForgedEntry];
  const other = (entry: ForgedEntry) => (entry === first ? second : first);
  return entries.map((entry) => (entry === first || entry === second ? other(entry) : entry));
}

function withRows(table: string, change: (lines: string[]) => string[]): ForgedEntry[] {
  return entries.map((entry) => {
    if (!entry.name.startsWith(`rows/${table}/`)) return entry;
    const lines = gunzipSync(entry.bytes).toString().trimEnd().split("\n");
    return { name: entry.name, bytes: gzipSync(`${change(lines).join("\n")}\n`) };
  });
}

describe("a forged backup, sealed anew", () => {
  const forgeries: [string, () => ForgedEntry[], RegExp][] = [
    [
      "a count",
      () =>
        withManifest(({ tables }) => {
          (tables.users as { rows: number }).rows += 1;
        }),
      /other rows of users/,
    ],
    [
      "a hash",
      () =>
        withManifest(({ tables }) => {
          (tables.jobs as { sha256: string }).sha256 = "0".repeat(64);
        }),
      /other rows of jobs/,
    ],
    [
      "a count of files",
      () =>
        withManifest(({ files }) => {
          files.stored -= 1;
        }),
      /other files/,
    ],
    [
      "a table that is not counted",
      () =>
        withManifest(({ tables }) => {
          delete tables.users;
        }),
      /damaged manifest/,
    ],
    [
      "another moment in the header alone",
      () =>
        withJson<BackupHeader>("header.json", (header) => {
          header.taken_at = "2030-01-01T00:00:00.000Z";
        }),
      /damaged manifest/,
    ],
    ["rows taken away", () => without(/^rows\/users\//), /other rows of users/],
    ["a file taken away", () => without(/^files\//), /another file than it says/],
    ["a list taken away", () => without(/^pictures\//), /where that does not belong/],
    ["the manifest taken away", () => without(/^manifest/), /where that does not belong/],
    ["a file of other bytes", () => withOtherFile(), /another file than it says/],
    ["two files swapped", () => swappedFiles(), /another file than it says/],
    [
      "rows of two tables swapped",
      () => swapped(/^rows\/users\//, /^rows\/jobs\//),
      /where that does not belong|other rows/,
    ],
    [
      "an entry too many",
      () => [...entries.slice(0, -1), { name: "files/evil.jpg", bytes: Buffer.from("x") }, ...entries.slice(-1)],
      /where that does not belong/,
    ],
    [
      "a name that leaves the folder",
      () =>
        entries.map((entry) =>
          entry.name.startsWith("pictures/")
            ? {
                ...entry,
                bytes: Buffer.from(
                  Buffer.from(entry.bytes)
                    .toString()
                    .replace(/"key":"[^"]+"/, '"key":"../../etc/passwd"'),
                ),
              }
            : entry,
        ),
      /another file than it says/,
    ],
    ["a row twice", () => withRows("users", (lines) => [...lines, lines[0] ?? ""]), /other rows of users/],
    [
      "a row with a value too many",
      () => withRows("users", (lines) => lines.map((line) => line.replace("[", '["x",'))),
      /damaged row of users/,
    ],
    [
      "a row of other kinds",
      () => withRows("bot_updates", (lines) => lines.map(() => '["one",true]')),
      /damaged row of bot_updates/,
    ],
    ["rows that are no lines", () => withRows("users", () => ["{"]), /damaged row of users/],
    [
      "bytes that are not compressed",
      () =>
        entries.map((entry) => (entry.name.startsWith("rows/users/") ? { ...entry, bytes: Buffer.from("x") } : entry)),
      /damaged part of users/,
    ],
    [
      "a name for a statement",
      () =>
        withHeader(({ tables }) => {
          (tables[0] as { name: string }).name = 'users"; drop table users; --';
        }),
      /damaged header/,
    ],
    [
      "another program's",
      () =>
        withHeader((header) => {
          (header as { format: string }).format = "other";
        }),
      /was not made by atelier/,
    ],
  ];
  test.each(forgeries)("%s is refused", async (_what, forge, sentence) => {
    const said = await refusal(await sealed(forge()));
    expect(said).not.toBeNull();
    expect(said).toMatch(sentence);
  });

  test("a sum is refused by restore before anything is touched", async () => {
    writeFileSync(
      damagedFile,
      await sealed(
        withManifest(({ sums }) => {
          for (const line of sums) if (line.what === "credits to spend") line.sum = "999999";
        }),
      ),
    );
    const { code, err } = await operate(place, "restore", damagedFile);
    expect(code).toBe(2);
    expect(err).toMatch(
      /is no whole backup\. The sum "credits to spend" is \d+ and should be 999999\. Nothing was changed\.\n$/,
    );
    await expectUntouched();
  });

  test("a newer format, and a newer schema, name the program that made them", async () => {
    for (const [forged, sentence] of [
      [
        withHeader((header) => void Object.assign(header, { format_version: 2, program: "9.9.9" })),
        "newer version of atelier (9.9.9)",
      ],
      [
        withHeader(
          (header) =>
            void Object.assign(header, { program: "9.9.9", migrations: [...header.migrations, "0099_future"] }),
        ),
        "made by atelier 9.9.9, whose schema this version does not know (0099_future)",
      ],
    ] as const) {
      writeFileSync(damagedFile, await sealed(forged));
      const { code, out, err } = await operate(place, "restore", damagedFile);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain(sentence);
      await expectUntouched();
    }
  });
});
