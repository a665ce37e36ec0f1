import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAddress } from "../../src/platform/db/address.postgres.ts";
import { databaseFault } from "../../src/platform/db/inspect.ts";
import { openDatabase } from "../../src/platform/db/open.ts";
import { TEST_AUTHORITY, TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from "../support/certificates.ts";
import { lane } from "../support/database.ts";
import { type OwnPostgres, startOwnPostgres } from "../support/own-postgres.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { within } from "../support/timing.ts";

describe("a database address", () => {
  test("is read with everything that it may hold", () => {
    expect(
      readAddress("postgres://us%40er:p%2Fw:x@one:6000,[::1]:6001,three/na%20me?sslmode=require&work_mem=8MB"),
    ).toEqual({
      hosts: [
        { host: "one", port: 6000 },
        { host: "::1", port: 6001 },
        { host: "three", port: 5432 },
      ],
      user: "us@er",
      password: "p/w:x",
      database: "na me",
      tlsMode: "require",
      ca: undefined,
      parameters: { work_mem: "8MB" },
    });
  });

  test.each([
    ["", "disable"],
    ["?sslmode=disable", "disable"],
    ["?sslmode=prefer", "prefer"],
    ["?sslmode=allow", "prefer"],
    ["?sslmode=require", "require"],
    ["?sslmode=verify-ca", "verify-ca"],
    ["?sslmode=verify-full", "verify-full"],
    ["?sslrootcert=system", "verify-full"],
  ])("with %p is encrypted as %s", (query, mode) => {
    expect(readAddress(`postgresql://a@b/c${query}`).tlsMode).toBe(mode as never);
  });

  test("names a folder of sockets, defaults, and faults with a sentence", () => {
    const socket = { host: "/run/pg", port: 5432, path: "/run/pg/.s.PGSQL.5432" };
    expect(readAddress("postgres://a@/c?host=/run/pg").hosts).toEqual([socket]);
    expect(readAddress("postgres://a@")).toMatchObject({ hosts: [{ host: "localhost", port: 5432 }], database: "a" });
    expect(() => readAddress("postgres://a@b/c?sslmode=maybe")).toThrow("must be one of disable, prefer");
    expect(() => readAddress("postgres://a@b/c", "/nowhere.pem")).toThrow(
      "DATABASE_CA_FILE (or sslrootcert) cannot be read",
    );
  });
});

describe.skipIf(lane === "sqlite")("an encrypted connection (Postgres only)", () => {
  const folder = makeTemporaryFolder("atelier-tls-");
  const caFile = join(folder, "ca.pem");
  let own: OwnPostgres;
  const statements = async (work: string[]) =>
    own.admin(null, async (sql) => {
      for (const one of work) await sql.unsafe(one);
    });
  beforeAll(async () => {
    writeFileSync(caFile, TEST_AUTHORITY);
    own = await startOwnPostgres();
    const { dataFolder = "" } = own.server;
    const { uid, gid } = statSync(dataFolder);
    for (const [name, text] of [
      ["server.crt", TEST_CERTIFICATE],
      ["server.key", TEST_CERTIFICATE_KEY],
    ] as const) {
      writeFileSync(join(dataFolder, name), text, { mode: 0o600 });
      chownSync(join(dataFolder, name), uid, gid);
    }
    await statements(["alter system set ssl = on", "select pg_reload_conf()"]);
    await Bun.sleep(200);
  }, 60_000);
  afterAll(() => own?.close());

  /** Whether the session is encrypted, or why there is none. */
  async function connect(host: string, sslmode: string, ca = ""): Promise<boolean | string> {
    const url = new URL(own.server.url);
    url.hostname = host;
    if (sslmode !== "") url.searchParams.set("sslmode", sslmode);
    const one = await openDatabase({
      url: url.toString(),
      dataFolder: folder,
      poolMax: 1,
      prepare: true,
      statementTimeoutMs: 4_000,
      caFile: ca,
    });
    try {
      const [row] = await one.raw("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
      return row?.ssl as boolean;
    } catch (error) {
      return databaseFault(error) ?? String(error);
    } finally {
      await one.close();
    }
  }

  test("is one wherever the address asks for it", async () => {
    expect(await connect("127.0.0.1", "")).toBe(false);
    expect(await connect("127.0.0.1", "disable")).toBe(false);
    expect(await connect("127.0.0.1", "prefer")).toBe(true);
    expect(await connect("127.0.0.1", "require")).toBe(true);
  });

  test("with a server whose authority is known is one; its name counts where it is to count", async () => {
    expect(await connect("localhost", "", caFile)).toBe(true);
    expect(await connect("localhost", "verify-full", caFile)).toBe(true);
    expect(await connect("127.0.0.1", "verify-ca", caFile)).toBe(true);
    // Who names an authority wants it to be asked.
    expect(await connect("127.0.0.1", "require", caFile)).toBe(true);
  });

  test("with another server is refused, at once and with what to do", async () => {
    const begun = performance.now();
    for (const [host, mode, ca] of [
      ["127.0.0.1", "verify-full", caFile],
      ["localhost", "verify-full", ""],
      ["localhost", "verify-ca", ""],
    ] as const) {
      expect(await connect(host, mode, ca)).toContain(
        "Name the authority that signed the server's certificate in DATABASE_CA_FILE",
      );
    }
    expect(performance.now() - begun).toBeLessThan(within(1_500, 15_000));
  });

  test("is not given up for a plain one where the server has none to offer", async () => {
    await statements(["alter system set ssl = off", "select pg_reload_conf()"]);
    await Bun.sleep(200);
    expect(await connect("localhost", "prefer")).toBe(false);
    expect(await connect("localhost", "require")).toBeString();
    expect(await connect("localhost", "verify-full", caFile)).toBeString();
    await statements(["alter system set ssl = on", "select pg_reload_conf()"]);
  });
});
