import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { validate } from "dockerfile-utils";
import { findCommand } from "../../src/commands/index.ts";
import { settingsTable } from "../../src/platform/config/settings.ts";
import { ROLES } from "../../src/roles/all.ts";

/** The files that operators copy name settings, commands and ports; here they are held to what the program knows. */

const projectFolder = resolve(import.meta.dir, "../..");
const operations = join(projectFolder, "docs/operations");
const read = (name: string) => readFileSync(join(operations, name), "utf8");
const dockerfile = readFileSync(join(projectFolder, "Dockerfile"), "utf8");

/** Read by the program or its libraries, and no settings of a server. */
const OTHER_NAMES = ["ATELIER_CACHE_DIR", "MALLOC_ARENA_MAX"];
/** Read by the unit itself. */
const UNITS_OWN = ["BACKUPS_DIRECTORY"];
/** What a stopping server takes at most, in seconds (src/commands/serve.ts). */
const STOP_SECONDS_MAX = 25;

function isSetting(name: string): boolean {
  const plain = name.replace(/_FILE$/, "");
  return [plain, name].some((one) => one in settingsTable || OTHER_NAMES.includes(one));
}

/** What is wrong with the words behind `atelier`, or null. */
async function commandFault(words: readonly string[]): Promise<string | null> {
  const found = await findCommand(words);
  if (!found) return `there is no command ${words.join(" ")}`;
  const options = found.args.filter((word) => word.startsWith("--"));
  const unknown = options.find((option) => !found.command.help.includes(option));
  if (unknown !== undefined) return `${found.command.name} has no ${unknown}`;
  const role = found.args[found.args.indexOf("--role") + 1];
  const isRole = !options.includes("--role") || ROLES.some((name) => name === role) || role === '"$role"';
  return isRole ? null : `there is no role ${role}`;
}

describe("the Dockerfile", () => {
  test("has nothing that a lint complains of", () => {
    expect(validate(dockerfile).map(({ range, message }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
  });

  test("names settings, a port and commands that exist, and runs as nobody special", async () => {
    const joined = dockerfile.replaceAll(/\\\n/g, " ");
    const environment = /^ENV (.*)$/m.exec(joined)?.[1]?.trim().split(/\s+/) ?? [];
    const values = Object.fromEntries(environment.map((pair) => pair.split("=") as [string, string]));
    expect(Object.keys(values).filter((name) => !isSetting(name))).toEqual([]);
    expect(Object.keys(values)).toContain("ATELIER_CACHE_DIR");
    expect([values.PORT, /^EXPOSE (\d+)$/m.exec(joined)?.[1]]).toEqual(["3000", String(settingsTable.PORT.default)]);
    const volumes = JSON.parse(/^VOLUME (.*)$/m.exec(joined)?.[1] ?? "[]") as string[];
    expect(volumes).toEqual([values.DATA_DIR ?? "", values.ATELIER_CACHE_DIR ?? ""]);
    expect(/^USER (\d+):(\d+)$/m.exec(joined)?.slice(1)).toEqual(["10001", "10001"]);
    expect(await commandFault(JSON.parse(/^CMD (.*)$/m.exec(joined)?.[1] ?? "[]") as string[])).toBeNull();
    const [program, ...words] = JSON.parse(/^HEALTHCHECK .* CMD (.*)$/m.exec(joined)?.[1] ?? "[]") as string[];
    expect(program).toBe("/usr/local/bin/atelier");
    expect(await commandFault(words)).toBeNull();
  });
});

interface Service {
  build?: { context: string };
  command?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  networks?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown>;
  stop_grace_period?: string;
  read_only?: boolean;
  user?: string;
}

interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
  networks?: Record<string, unknown>;
}

describe.each(["compose.yaml", "compose.scaled.yaml"])("%s", (name) => {
  const compose = Bun.YAML.parse(read(name)) as Compose;
  const own = Object.entries(compose.services).filter(([, service]) => service.build !== undefined);

  test("names settings, roles and commands that exist", async () => {
    expect(own.length).toBeGreaterThan(0);
    for (const [service, { environment = {}, command = [], build }] of own) {
      expect({ service, unknown: Object.keys(environment).filter((one) => !isSetting(one)) }).toEqual({
        service,
        unknown: [],
      });
      expect({ service, fault: await commandFault(command) }).toEqual({ service, fault: null });
      expect(readdirSync(resolve(operations, build?.context ?? ""))).toContain("Dockerfile");
    }
  });

  test("gives each service the secrets that it reads, and defines all that is used", () => {
    for (const [service, one] of Object.entries(compose.services)) {
      const used = Object.values(one.environment ?? {}).flatMap(
        (value) => /^\/run\/secrets\/(\w+)$/.exec(String(value))?.slice(1, 2) ?? [],
      );
      expect({ service, used: used.toSorted() }).toEqual({ service, used: (one.secrets ?? []).toSorted() });
      expect(Object.keys(compose.secrets)).toContainValues(used);
      const volumes = (one.volumes ?? []).map((volume) => volume.split(":")[0] ?? "");
      const named = volumes.filter((volume) => !volume.startsWith("."));
      expect({ service, missing: named.filter((volume) => !(volume in compose.volumes)) }).toEqual({
        service,
        missing: [],
      });
      for (const file of volumes.filter((volume) => volume.startsWith("./"))) read(file.slice(2));
      for (const other of Object.keys(one.depends_on ?? {})) expect(compose.services).toHaveProperty(other);
      for (const network of one.networks ?? []) expect(compose.networks).toHaveProperty(network);
    }
  });

  test("lets what runs end, writes into volumes only, and opens its port to this machine alone", () => {
    for (const [, service] of own) {
      expect(Number.parseInt(service.stop_grace_period ?? "0", 10)).toBeGreaterThan(STOP_SECONDS_MAX);
      expect(service.read_only).toBe(true);
      expect(service.volumes).toContain("cache:/var/cache/atelier");
      for (const port of service.ports ?? []) expect(port).toBe("127.0.0.1:3000:3000");
    }
  });
});

/** A unit's lines as [section, name, value]. Throws at a line that systemd would not read either. */
function unitLines(name: string): [string, string, string][] {
  let section = "";
  return read(name)
    .split("\n")
    .flatMap((line): [string, string, string][] => {
      if (line === "" || line.startsWith("#")) return [];
      const heading = /^\[(\w+)\]$/.exec(line)?.[1];
      if (heading !== undefined) section = heading;
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (heading !== undefined) return [];
      if (key === undefined || value === undefined || section === "") throw new Error(`${name}: "${line}"`);
      return [[section, key, value]];
    });
}

describe.each(readdirSync(operations).filter((name) => /\.(service|timer)$/.test(name)))("%s", (name) => {
  const lines = unitLines(name);
  const values = (key: string) => lines.filter(([, one]) => one === key).map(([, , value]) => value);

  test("is made of sections and assignments", () => {
    const expected = name.endsWith(".timer") ? ["Unit", "Timer", "Install"] : ["Unit", "Service"];
    expect([...new Set(lines.map(([section]) => section))]).toEqual(expect.arrayContaining(expected));
  });

  // The rest is about what a service runs.
  if (name.endsWith(".timer")) return;

  test("names settings and commands that exist", async () => {
    const environment = values("Environment").map((pair) => pair.split("=")[0] ?? "");
    expect(environment.filter((one) => !isSetting(one) && !UNITS_OWN.includes(one))).toEqual([]);
    const started = values("ExecStart").flatMap(
      (line) => /\/usr\/local\/bin\/atelier ([^';]+)/.exec(line)?.slice(1, 2) ?? [],
    );
    expect(started).toHaveLength(1);
    expect(await commandFault(started[0]?.trim().split(" ") ?? [])).toBeNull();
  });

  test("runs as the operator's commands do, may compile code, write its own folder, and nothing much else", () => {
    expect([...values("User"), ...values("Group"), ...values("WorkingDirectory")]).toEqual([
      ...["atelier", "atelier", "/etc/atelier"],
    ]);
    expect(values("StateDirectory")[0]?.split(" ")[0]).toBe("atelier");
    expect(values("MemoryDenyWriteExecute")).toEqual(["no"]);
    expect([...values("ProtectSystem"), ...values("NoNewPrivileges")]).toEqual(["strict", "yes"]);
    const stop = values("TimeoutStopSec")[0];
    if (values("Type")[0] !== "oneshot") expect(Number(stop)).toBeGreaterThan(STOP_SECONDS_MAX);
  });
});

describe("the proxies", () => {
  const bodyMib = /BODY_BYTES_MAX = (\d+) \* 1024 \* 1024/.exec(
    readFileSync(join(projectFolder, "src/platform/http/door.ts"), "utf8"),
  )?.[1];

  test("lead to the port, take what the server takes, and outlast a long poll", () => {
    const [nginx, caddy] = [read("nginx.conf"), read("Caddyfile")];
    const port = settingsTable.PORT.default;
    expect(nginx).toContain(`server 127.0.0.1:${port} `);
    expect(caddy).toContain(`{$ATELIER_UPSTREAM:127.0.0.1:${port}}`);
    expect(nginx).toContain(`client_max_body_size ${bodyMib}m;`);
    expect(caddy).toContain(`max_size ${bodyMib}MB`);
    expect(Number(/proxy_read_timeout (\d+)s;/.exec(nginx)?.[1])).toBeGreaterThan(2 * 25);
    expect(Number(/response_header_timeout (\d+)s/.exec(caddy)?.[1])).toBeGreaterThan(2 * 25);
    expect(caddy).toContain("health_uri /health/ready");
  });

  test("and the S3 server of the example is where its settings say", () => {
    const { services } = Bun.YAML.parse(read("compose.scaled.yaml")) as Compose;
    const garage = Bun.TOML.parse(read("garage.toml")) as { s3_api: { s3_region: string; api_bind_addr: string } };
    const environment = services.api?.environment ?? {};
    expect(environment.S3_REGION).toBe(garage.s3_api.s3_region);
    expect(environment.S3_ENDPOINT).toBe(`http://storage:${garage.s3_api.api_bind_addr.split(":").at(-1)}`);
    expect(services.storage?.environment?.GARAGE_DEFAULT_BUCKET).toBe(environment.STORAGE_URL?.replace("s3://", ""));
  });

  test("pass on no address that a client made up", () => {
    const nginx = read("nginx.conf");
    expect(nginx).toContain("proxy_set_header X-Forwarded-For $remote_addr;");
    expect(nginx).not.toContain("$proxy_add_x_forwarded_for");
    expect(read("Caddyfile")).not.toContain("trusted_proxies");
  });
});
