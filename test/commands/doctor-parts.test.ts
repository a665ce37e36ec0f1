import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Patient, runCheck } from "../../src/commands/doctor/check.ts";
import { foldersCheck, mountOptions } from "../../src/commands/doctor/folders.ts";
import { outerClockCheck } from "../../src/commands/doctor/times.ts";
import { CHECKS } from "../../src/commands/doctor.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import type { Settings } from "../../src/platform/config/settings.ts";
import { judgeCheckpoint, judgePostgres, type PostgresState } from "../../src/platform/db/inspect-server.ts";
import { makeReachableFolder } from "../support/temporary-folder.ts";

const folder = makeReachableFolder("atelier-doctor-parts-");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const patientWith = (settings: Partial<Settings>) => ({ checked: { settings, faults: [] } }) as unknown as Patient;

describe("the checks of doctor", () => {
  test("have names of their own and end in time", () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    for (const { name, timeoutMs = 0 } of CHECKS) {
      expect({ name, isBounded: timeoutMs <= 25 * SECOND_MS }).toEqual({ name, isBounded: true });
    }
  });

  test("answer in one shape, however they end", async () => {
    const ends = [
      () => Promise.resolve({ status: "ok" as const, text: "well" }),
      () => Promise.reject(new Error("broken")),
      () => new Promise<never>(() => {}),
    ];
    for (const run of ends) {
      const result = await runCheck({ name: "one", timeoutMs: 5, run }, patientWith({}));
      expect(Object.keys(result)).toEqual(["name", "status", "text", "lines", "ms"]);
      expect(result.lines).toEqual([]);
    }
  });
});

describe("what doctor says of a Postgres server", () => {
  const well: PostgresState = {
    ...{ version: "17.2", major: 17, isReplica: false, isReadOnly: false, encoding: "UTF8", timeZone: "UTC" },
    ...{ fsync: true, fullPageWrites: true, connectionsMax: 97, oldestTransactionSeconds: 1 },
  };
  const use = { poolMax: 20, processes: 2 };

  test("nothing, where all is well", () => {
    expect(judgePostgres(well, use)).toEqual({
      failures: [],
      warnings: [],
      notes: ["time zone UTC", "pool of 20"],
    });
  });

  test.each([
    ["an old version", { major: 14, version: "14.9" }, "It is version 14.9; 15 or newer is needed."],
    [
      "a replica",
      { isReplica: true, isReadOnly: true },
      "It is a read-only replica: DATABASE_URL must name the primary server.",
    ],
    [
      "a server that takes no writes",
      { isReadOnly: true },
      "It takes no writes (default_transaction_read_only is on): is its disk full, or is it being moved?",
    ],
    [
      "an encoding without Cyrillic",
      { encoding: "SQL_ASCII" },
      "Its encoding is SQL_ASCII: make the database anew with encoding UTF8, names would be lost.",
    ],
  ])("%s is a failure", (_, instead, sentence) => {
    expect(judgePostgres({ ...well, ...instead }, use)).toMatchObject({ failures: [sentence], warnings: [] });
  });

  test.each([
    ["no fsync", { fsync: false }, /power cut/],
    ["no full pages", { fullPageWrites: false }, /power cut/],
    [
      "too few connections",
      { connectionsMax: 39 },
      /^2 processes with DATABASE_POOL_MAX=20 may want 40 connections, and there are 39/,
    ],
    ["an old transaction", { oldestTransactionSeconds: 661 }, /open for 11 minutes/],
  ])("%s is a warning", (_, instead, words) => {
    const { failures, warnings } = judgePostgres({ ...well, ...instead }, use);
    expect({ failures, count: warnings.length }).toEqual({ failures: [], count: 1 });
    expect(warnings[0]).toMatch(words);
  });

  test("just enough connections are enough", () => {
    expect(judgePostgres({ ...well, connectionsMax: 40, oldestTransactionSeconds: 600 }, use).warnings).toEqual([]);
  });
});

describe("what doctor says of the write-ahead log", () => {
  test("only pages that a reader holds up for long are worth a word", () => {
    expect(judgeCheckpoint(-1, -1)).toEqual({ failures: [], warnings: [], notes: ["0 pages wait for a checkpoint"] });
    expect(judgeCheckpoint(50_000, 49_000).warnings).toEqual([]);
    expect(judgeCheckpoint(50_000, 30_000).warnings[0]).toStartWith("20000 pages of the write-ahead log cannot be");
  });
});

describe("what doctor says of the clocks outside", () => {
  const serverWithDate = (date: () => string | null, seen: string[] = []) =>
    Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        seen.push(`${request.headers.get("authorization")} ${new URL(request.url).pathname}`);
        const told = date();
        return new Response("no", { status: 404, headers: told === null ? { date: "" } : { date: told } });
      },
    });
  const at = (aheadMs: number) => () => new Date(Date.now() + aheadMs).toUTCString();
  const examine = async (aheads: readonly number[]) => {
    const seen: string[] = [];
    const servers = aheads.map((ahead) => serverWithDate(at(ahead), seen));
    const [telegram, kie, openRouter] = servers.map(({ port }) => `http://127.0.0.1:${port}/base`);
    const finding = await outerClockCheck.run(
      patientWith({
        TELEGRAM_API_URL: telegram ?? "http://127.0.0.1:9",
        KIE_API_URL: kie ?? "http://127.0.0.1:9",
        OPENROUTER_API_URL: openRouter ?? "http://127.0.0.1:9",
        OPENROUTER_API_KEY: "sk-that-is-not-sent",
        YOOKASSA_SHOP_ID: "",
        YOOKASSA_API_URL: "http://127.0.0.1:9",
      }),
    );
    await Promise.all(servers.map((server) => server.stop(true)));
    return { ...finding, seen };
  };

  test("well, when they agree; no key goes out", async () => {
    const { status, text, seen } = await examine([0, 0, 0]);
    expect({ status, seen: [...new Set(seen)] }).toEqual({ status: "ok", seen: ["null /"] });
    expect(text).toContain("0 s ahead of Telegram, kie.ai, OpenRouter");
  });

  test("one that goes wrong does not count against two that do not", async () => {
    expect((await examine([0, HOUR_MS, 0])).status).toBe("ok");
  });

  test("a small difference is a warning, one that keeps people out a failure", async () => {
    const small = await examine([20 * SECOND_MS, 20 * SECOND_MS, 20 * SECOND_MS]);
    expect(small.status).toBe("warning");
    expect(small.text).toMatch(/^This machine's clock is (19|20|21) s behind Telegram/);
    const large = await examine([-2 * MINUTE_MS, -2 * MINUTE_MS]);
    expect(large.status).toBe("failed");
    expect(large.text).toMatch(/^This machine's clock is 1(19|20|21) s ahead of Telegram, kie.ai\. Switch/);
  });

  test("nobody answers", async () => {
    expect(await examine([])).toMatchObject({ status: "warning", text: expect.stringContaining("none of the") });
  });
});

describe("what doctor says of the folders", () => {
  const TABLE = [
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    "30 22 0:25 / /var rw,nosuid,noexec - ext4 /dev/vdb rw",
    "31 30 0:26 / /var/cache/with\\040space rw,relatime - tmpfs tmpfs rw",
    "32 22 0:27 / /home rw,noexec - ext4 /dev/vdc rw",
    "33 32 0:28 / /home rw,relatime - ext4 /dev/vdd rw",
    "",
  ].join("\n");

  test.each([
    ["/srv/atelier", false],
    ["/var/cache/atelier", true],
    ["/variable", false],
    ["/var", true],
    ["/var/cache/with space/atelier", false],
    // The later mount lies over the earlier one.
    ["/home/atelier", false],
  ])("%s lies where code may not be loaded from: %p", (path, isNoexec) => {
    expect(mountOptions(TABLE, path).includes("noexec")).toBe(isNoexec);
  });

  test("that others may write there or read the database", async () => {
    const examine = () => foldersCheck.run(patientWith({ DATA_DIR: folder }));
    writeFileSync(join(folder, "atelier.sqlite"), "", { mode: 0o644 });
    chmodSync(folder, 0o700);
    expect((await examine()).status).toBe("ok");
    chmodSync(folder, 0o755);
    const readable = await examine();
    expect(readable).toMatchObject({ status: "warning", lines: [expect.stringContaining("may read")] });
    chmodSync(folder, 0o722);
    const writable = await examine();
    expect(writable).toMatchObject({ status: "warning", lines: [expect.stringContaining("Others may write")] });
  });
});
