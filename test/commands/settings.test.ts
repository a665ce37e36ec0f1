import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { settingsFiles } from "../../src/build/render-settings.ts";
import { checkSettings } from "../../src/platform/config/load.ts";
import { REQUIRED_TO_SERVE, settingsTable } from "../../src/platform/config/settings.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { runProgram } from "./program.ts";

const projectFolder = resolve(import.meta.dir, "../..");
const folder = makeTemporaryFolder("atelier-settings-");

const SECRET = "a-secret-that-nobody-may-ever-see-0123456789";

interface Listing {
  settings: Array<{ name: string; value: string; source: string; secret: boolean }>;
  faults: Array<{ name: string | null; text: string }>;
  missing: string[];
}

describe("atelier settings", () => {
  test("shows every setting with its value and its source, and no secret", async () => {
    writeFileSync(join(folder, ".env"), `LOG_LEVEL=warn\nPORT=4000\nKIE_API_KEY=${SECRET}\n`);
    writeFileSync(join(folder, "jwt"), `${SECRET}\n`);
    const environment = { PORT: "4001", JWT_SECRET_FILE: join(folder, "jwt"), LINK_SECRET: SECRET };
    const text = await runProgram(["settings"], { folder, environment });
    expect(text.code).toBe(0);
    const json = await runProgram(["settings", "--json"], { folder, environment });
    expect(text.out + text.err + json.out + json.err).not.toContain(SECRET);

    const listing = JSON.parse(json.out) as Listing;
    expect(listing.settings.map((one) => one.name)).toEqual(Object.keys(settingsTable));
    const shown = new Map(listing.settings.map(({ name, value, source }) => [name, `${value} from ${source}`]));
    expect(shown.get("PORT")).toBe("4001 from environment");
    expect(shown.get("LOG_LEVEL")).toBe("warn from .env");
    expect(shown.get("JWT_SECRET")).toBe("(set) from file");
    expect(shown.get("LINK_SECRET")).toBe("(set) from environment");
    expect(shown.get("KIE_API_KEY")).toBe("(set) from .env");
    expect(shown.get("HOST")).toBe("0.0.0.0 from default");
    expect(listing.missing).toEqual(["PUBLIC_URL", "TELEGRAM_BOT_TOKEN"]);
    expect(text.out).toMatch(/^PORT +4001 +environment$/m);
    expect(text.out).toContain("A server still needs:\n  - PUBLIC_URL is not set.");
  });

  test("names all wrong values at once and ends with 1", async () => {
    const environment = { PORT: "seventy", JWT_SECRET: "short", KIE_API_URL: "http://kie.example", LOG_LEVEL: "loud" };
    const { code, out } = await runProgram(["settings", "--json"], { folder: projectFolder, environment });
    expect(code).toBe(1);
    const { faults } = JSON.parse(out) as Listing;
    expect(faults.map((fault) => fault.name)).toEqual(["PORT", "JWT_SECRET", "LOG_LEVEL", "KIE_API_URL"]);
    expect(faults[0]?.text).toBe('PORT must be a whole number from 0 to 65535, not "seventy"');
    expect(faults[1]?.text).not.toContain("short");
  });

  test("every command refuses wrong values with the same sentences and exit code 2", async () => {
    const { code, out, err } = await runProgram(["jobs", "list"], { folder, environment: { PORT: "seventy" } });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain('PORT must be a whole number from 0 to 65535, not "seventy"');
  });
});

describe("the files made from the table of settings", () => {
  for (const [path, render] of Object.entries(settingsFiles)) {
    test(`${path} is what the table renders (bun src/build/render-settings.ts writes it)`, async () => {
      expect(await Bun.file(join(projectFolder, path)).text()).toBe(render());
    });
  }

  test(".env.example names every setting once, and as it stands lacks only what a server needs", async () => {
    const text = await Bun.file(join(projectFolder, ".env.example")).text();
    for (const name of Object.keys(settingsTable)) {
      expect(text.match(new RegExp(`^(# )?${name}=`, "gm"))).toHaveLength(1);
    }
    const given = Object.entries(parseEnv(text)).filter(([, value]) => value !== "");
    const { faults } = checkSettings(new Map(given.map(([name, value = ""]) => [name, { value, source: ".env" }])), {
      serving: true,
    });
    expect(faults.every((fault) => fault.missing)).toBe(true);
    expect(faults.map((fault) => fault.name)).toEqual([...REQUIRED_TO_SERVE]);
  });

  test(".env.example with its comments taken away holds only values that are right", async () => {
    const text = await Bun.file(join(projectFolder, ".env.example")).text();
    const uncommented = text.replaceAll(/^# ([A-Z][A-Z_]*=)/gm, "$1");
    const given = Object.entries(parseEnv(uncommented)).filter(([, value]) => value !== "");
    expect(given.length).toBeGreaterThan(15);
    const environment = new Map(given.map(([name, value = ""]) => [name, { value, source: ".env" as const }]));
    expect(checkSettings(environment, { serving: false }).faults).toEqual([]);
  });
});
