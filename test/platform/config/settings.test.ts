import { describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { Glob } from "bun";
import type { Environment, EnvironmentValue } from "../../../src/platform/config/environment.ts";
import { checkSettings, isLoopback, loadSettings, shownValue } from "../../../src/platform/config/load.ts";
import type { Setting } from "../../../src/platform/config/setting-types.ts";
import { REQUIRED_TO_SERVE, type SettingName, settingsTable } from "../../../src/platform/config/settings.ts";
import { OperatorError } from "../../../src/platform/errors.ts";

const table = settingsTable as unknown as Record<SettingName, Setting<unknown>>;
const names = Object.keys(settingsTable) as SettingName[];
const SECRET = "a-very-secret-value-of-32-bytes-or-more";

function environment(values: Record<string, string>): Environment {
  return new Map(
    Object.entries(values).map(([name, value]): [string, EnvironmentValue] => [name, { value, source: "environment" }]),
  );
}

const COMPLETE: Record<string, string> = {
  PUBLIC_URL: "https://app.example.org",
  JWT_SECRET: SECRET,
  LINK_SECRET: SECRET,
  TELEGRAM_BOT_TOKEN: "123456789:AA-bb_cc",
  KIE_API_KEY: "key",
};

const load = (values: Record<string, string>, serving = true) => loadSettings(environment(values), { serving });

/** The faults of a start, each without its bullet. */
function faultsOf(values: Record<string, string>, serving = true): string[] {
  try {
    load(values, serving);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return error.message
      .split("\n")
      .filter((line) => line.startsWith("  - "))
      .map((line) => line.slice(4));
  }
  return [];
}

/** A value that each setting takes, beside those of a complete start. */
const faultOf = (name: string, value: string) =>
  faultsOf({ ...COMPLETE, [name]: value }).find((fault) => fault.startsWith(name));

describe("X13 a start", () => {
  test("succeeds with what a server needs, and everything else has a default", () => {
    const { settings, sources } = load(COMPLETE);
    expect(settings.PORT).toBe(3000);
    expect(settings.DATABASE_URL).toBe("");
    expect(settings.JWT_SECRET).toEqual([SECRET]);
    expect(sources.PORT).toBe("default");
    expect(sources.KIE_API_KEY).toBe("environment");
  });

  test("with nothing names every missing key at once, each with what it is for", () => {
    const faults = faultsOf({});
    expect(faults.map((fault) => fault.split(" ")[0] ?? "").sort()).toEqual([...REQUIRED_TO_SERVE].sort());
    for (const fault of faults) expect(fault).toMatch(/ is not set\. .+/);
  });

  test("tells wrong values, missing keys and contradictions together, and says how to set them", () => {
    const values = { ...COMPLETE, PORT: "99999", WORKER_CONCURRENCY: "many", KIE_API_URL: "http://kie.example" };
    delete (values as Record<string, string>).LINK_SECRET;
    const faults = faultsOf(values);
    expect(faults.map((fault) => fault.split(" ")[0]).sort()).toEqual([
      "KIE_API_URL",
      "LINK_SECRET",
      "PORT",
      "WORKER_CONCURRENCY",
    ]);
    expect(() => load(values)).toThrow("4 settings need attention:");
    expect(() => load(values)).toThrow("Set them in the environment, in .env, or as NAME_FILE");
    expect(() => load({ ...COMPLETE, PORT: "x" })).toThrow("One setting needs attention:");
  });

  test("tells of secret files that could not be read along with the rest", () => {
    const options = { serving: true, earlierFaults: ["JWT_SECRET_FILE names /nowhere, which cannot be read"] };
    expect(() => loadSettings(environment({ ...COMPLETE, PORT: "x" }), options)).toThrow("2 settings need attention");
  });

  test("of an operator's command needs no keys, but what is there must be right", () => {
    expect(faultsOf({}, false)).toEqual([]);
    expect(faultsOf({ PORT: "x" }, false)).toHaveLength(1);
  });

  test("is not fooled by a required list that holds only commas", () => {
    expect(faultsOf({ ...COMPLETE, TELEGRAM_BOT_TOKEN: " , ," })).toHaveLength(1);
  });

  test("ignores variables that are not its own", () => {
    expect(faultsOf({ ...COMPLETE, PATH: "/bin", PORTS: "x", JWT_SECRET_OLD: "short" })).toEqual([]);
  });

  test("can be looked at without failing: faults beside the defaults that stand in for wrong values", () => {
    const { settings, faults } = checkSettings(environment({ PORT: "x" }), { serving: true });
    expect(settings.PORT).toBe(3000);
    expect(faults.filter((fault) => !fault.missing).map((fault) => fault.name)).toEqual(["PORT"]);
    expect(
      faults
        .filter((fault) => fault.missing)
        .map((fault) => fault.name as string)
        .sort(),
    ).toEqual([...REQUIRED_TO_SERVE].sort());
  });
});

describe("a wrong value is refused with what is expected", () => {
  const wrong: [SettingName, string, string][] = [
    ["PORT", "65536", "a whole number from 0 to 65535"],
    ["PORT", "-1", "a whole number"],
    ["PORT", "80.5", "a whole number"],
    ["PORT", "1e3", "a whole number"],
    ["PORT", "0x50", "a whole number"],
    ["PORT", " 80", "a whole number"],
    ["PORT", "99999999999999999999", "a whole number"],
    ["PUBLIC_URL", "app.example.org", "an address such as https://example.org"],
    ["PUBLIC_URL", "ftp://app.example.org", "an address"],
    ["PUBLIC_URL", "https://app.example.org?x=1", "without user, query or fragment"],
    ["PUBLIC_URL", "https://app.example.org#x", "without user, query or fragment"],
    ["PUBLIC_URL", "https://user:word@app.example.org", "without user, query or fragment"],
    ["DATABASE_URL", "mysql://host/name", "empty (SQLite in DATA_DIR) or a postgres:// address"],
    ["STORAGE_URL", "s3://", "s3://bucket or s3://bucket/prefix"],
    ["STORAGE_URL", "s3://Bucket_Name", "s3://bucket"],
    ["STORAGE_URL", "s3://bucket/../other", "s3://bucket"],
    ["STORAGE_URL", "https://bucket.example", "s3://bucket"],
    ["STORAGE_FALLBACK_URL", "/var/files", "disk, s3://bucket"],
    ["S3_ENDPOINT", "storage.example", "an address such as"],
    ["S3_REGION", "Central 1", "a region such as"],
    ["S3_ACCESS_KEY_ID", "two words", "without spaces"],
    ["S3_SECRET_ACCESS_KEY", "two words", "without spaces"],
    ["S3_LINKS", "public", "one of through, presigned"],
    ["TELEGRAM_BOT_NAME", "@my_bot", "without the @"],
    ["TELEGRAM_APP_NAME", "my-app", "3 to 30 letters, digits or underscores"],
    ["TELEGRAM_WEBHOOK_SECRET", "with space", "1 to 256 letters, digits, _ or -"],
    ["TELEGRAM_WEBHOOK_SECRET", "x".repeat(257), "1 to 256 letters, digits, _ or -"],
    ["JWT_SECRET", "short", "at least 32 bytes long each"],
    ["JWT_SECRET", `${SECRET},short`, "at least 32 bytes long each"],
    ["LINK_SECRET", `${SECRET},`, "at least 32 bytes long each"],
    ["TELEGRAM_BOT_TOKEN", "no token", "a token such as 123456789:AA..."],
    ["TELEGRAM_BOT_TOKEN", "123:a,nonsense", "a token"],
    ["TRUSTED_PROXIES", "localhost", "a comma list of addresses or networks"],
    ["KIE_RESULT_HOSTS", "https://host/", "a comma list of host names"],
    ["KIE_MODEL", "another/model", "google/nano-banana-edit"],
    ["LOG_LEVEL", "loud", "one of debug, info, warn, error, silent"],
    ["LOG_LEVEL", "Info", "one of"],
    ["PROVIDER_LOOPBACK", "yes", "one of refuse, allow"],
    ["WORKER_CONCURRENCY", "0", "from 1 to"],
  ];
  test.each(wrong)("%s=%s", (name, value, expected) => {
    const fault = faultOf(name, value);
    expect(fault).toContain(expected);
    if (table[name].secret) expect(fault).not.toContain(value);
    else expect(fault).toContain(`not "${value}"`);
  });

  const right: [SettingName, string, unknown][] = [
    ["PORT", "0", 0],
    ["PORT", "65535", 65_535],
    ["PUBLIC_URL", "https://app.example.org/", "https://app.example.org"],
    ["PUBLIC_URL", "https://example.org/app//", "https://example.org/app"],
    ["JWT_SECRET", `${SECRET}, ${SECRET}2`, [SECRET, `${SECRET}2`]],
    ["JWT_SECRET", "ключ из тридцати двух", ["ключ из тридцати двух"]],
    ["TRUSTED_PROXIES", "127.0.0.1/32, ::1/128,10.0.0.0/8", ["127.0.0.1/32", "::1/128", "10.0.0.0/8"]],
    ["KIE_RESULT_HOSTS", ".example.org,127.0.0.1:8080", [".example.org", "127.0.0.1:8080"]],
    ["DATABASE_URL", "postgresql://u:p@h:5432/d?sslmode=require", "postgresql://u:p@h:5432/d?sslmode=require"],
  ];
  test.each(right)("but %s=%s is right", (name, value, read) => {
    expect(load({ ...COMPLETE, [name]: value }).settings[name]).toEqual(read as never);
  });
});

describe("secrets", () => {
  test("are never printed, only that they are set", () => {
    const secrets = names.filter((name) => table[name].secret);
    expect(secrets).toEqual(
      expect.arrayContaining(["DATABASE_URL", "JWT_SECRET", "LINK_SECRET", "TELEGRAM_BOT_TOKEN", "KIE_API_KEY"]),
    );
    for (const name of secrets) {
      expect(shownValue(name, "hidden" as never)).toBe("(set)");
      expect(shownValue(name, ["hidden", "too"] as never)).toBe("(set)");
      expect(shownValue(name, "" as never)).toBe("");
      expect(shownValue(name, [] as never)).toBe("");
    }
    expect(shownValue("PORT", 3000 as never)).toBe("3000");
    expect(shownValue("TRUSTED_PROXIES", ["a", "b"] as never)).toBe("a,b");
  });

  test("whatever is called a key, a secret or a token is one", () => {
    const named = names.filter((name) => /(KEY|SECRET|TOKEN|PASSWORD)(_ID)?$|_DSN$/.test(name));
    expect(named.filter((name) => !table[name].secret)).toEqual([]);
  });

  test("do not stand in the faults, even where they are wrong", () => {
    const wrong = "wrong,but,secret";
    for (const name of names.filter((each) => table[each].secret)) {
      const fault = faultOf(name, wrong);
      if (fault !== undefined) expect(fault).not.toContain("but,secret");
    }
  });
});

describe("PROVIDER_LOOPBACK", () => {
  const local = { ...COMPLETE, PUBLIC_URL: "http://localhost:3000" };

  test("providers over plain http are refused everywhere but on loopback, and there unless it is meant", () => {
    for (const name of ["TELEGRAM_API_URL", "KIE_API_URL", "KIE_UPLOAD_URL"]) {
      expect(faultsOf({ ...COMPLETE, [name]: "http://kie.example" })).toEqual([
        `${name} must be https: a key would travel in the clear`,
      ]);
      expect(faultsOf({ ...local, [name]: "http://192.168.1.5:8080", PROVIDER_LOOPBACK: "allow" })).toEqual([
        `${name} must be https: a key would travel in the clear`,
      ]);
      expect(faultsOf({ ...local, [name]: "http://127.0.0.1:8080" })).toEqual([
        `${name} is plain http on loopback; set PROVIDER_LOOPBACK=allow if that is meant`,
      ]);
      for (const host of ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.9.9.9"]) {
        expect(faultsOf({ ...local, [name]: `http://${host}`, PROVIDER_LOOPBACK: "allow" })).toEqual([]);
      }
      expect(faultsOf({ ...COMPLETE, [name]: "https://kie.example" })).toEqual([]);
    }
  });

  test("allow is refused together with a public PUBLIC_URL", () => {
    expect(faultsOf({ ...COMPLETE, PROVIDER_LOOPBACK: "allow" })).toEqual([
      "PROVIDER_LOOPBACK=allow is for tests and cannot go together with the public PUBLIC_URL app.example.org",
    ]);
    for (const host of ["192.168.1.5", "localhost.example.org", "127.0.0.1.example.org", "[::2]"]) {
      expect(faultsOf({ ...COMPLETE, PUBLIC_URL: `http://${host}`, PROVIDER_LOOPBACK: "allow" })).toHaveLength(1);
    }
    expect(faultsOf({ ...local, PROVIDER_LOOPBACK: "allow" })).toEqual([]);
  });

  test("loopback is this very machine and nothing that looks like it", () => {
    expect(["localhost", "127.0.0.1", "127.255.255.254", "[::1]"].every(isLoopback)).toBe(true);
    const others = ["", "0.0.0.0", "::1.example", "localhost.example", "127.0.0.1.nip.io", "128.0.0.1", "1127.0.0.1"];
    expect(others.filter(isLoopback)).toEqual([]);
  });
});

describe("the table of settings", () => {
  test("explains each in a sentence, and each default is a value that may be set", () => {
    for (const name of names) {
      const { text, default: value, parse } = table[name];
      expect([name, text]).toEqual([name, expect.stringMatching(/^[A-Z`].{10,}\.$|^[a-z].{10,}\.$/)]);
      const written = Array.isArray(value) ? value.join(",") : String(value);
      if (written !== "") expect([name, parse(written)]).toEqual([name, value]);
    }
  });

  test("has an example for what a server cannot do without", () => {
    for (const name of REQUIRED_TO_SERVE) expect([name, table[name].example]).toEqual([name, expect.any(String)]);
  });

  test("has every setting of every topic, and none of them twice", async () => {
    const folder = resolve(import.meta.dir, "../../../src/platform/config/settings");
    const parts: object[] = [];
    for (const file of new Glob("*.ts").scanSync(folder)) {
      const topic = (await import(join(folder, file))) as Record<string, object>;
      parts.push(...Object.entries(topic).flatMap(([name, part]) => (name.endsWith("Settings") ? [part] : [])));
    }
    // Of two settings of one name, the later one would take the other's place without a word.
    expect(parts.flatMap((part) => Object.keys(part)).sort()).toEqual([...names].sort());
  });
});
