import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_WELL, type DoctorReport, setDoctorStage } from "../support/doctor-stage.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { runProgram } from "./program.ts";

const { examine, settings } = await setDoctorStage();

describe("atelier doctor", () => {
  test("X13 names every missing key at once, and still looks at all the rest", async () => {
    const { DATA_DIR = "", DATABASE_URL } = settings();
    const { code, check } = await examine({ DATA_DIR, ...(DATABASE_URL === undefined ? {} : { DATABASE_URL }) });
    expect(code).toBe(1);
    expect(check("settings").status).toBe("failed");
    const named = check("settings").lines.map((line) => line.split(" ")[0]);
    expect(named).toEqual(expect.arrayContaining(["PUBLIC_URL", "JWT_SECRET", "LINK_SECRET", "TELEGRAM_BOT_TOKEN"]));
    expect(check("kie.ai balance").text).toContain("because KIE_API_KEY needs attention first");
    for (const name of ["schema", "storage", "images", "queue"]) expect(check(name).status).toBe("ok");
    expect(check("database").status).toBe(DATABASE_WELL);
  });

  test("X13 lists features that are half set, and lines of .env that mean nothing", async () => {
    const folder = makeTemporaryFolder("atelier-doctor-");
    writeFileSync(join(folder, ".env"), "KIE_APIKEY=typo\nKIE_INPUTS=links\n");
    const environment = settings();
    delete environment.KIE_UPLOAD_URL;
    delete environment.TELEGRAM_BOT_NAME;
    Object.assign(environment, { TELEGRAM_APP_NAME: "app", TELEGRAM_WEBHOOK_SECRET: "short" });
    const { out } = await runProgram(["doctor", "--json"], { folder, environment });
    const found = (JSON.parse(out) as DoctorReport).checks.find((one) => one.name === "half-set features");
    expect(found?.status).toBe("warning");
    expect(found?.lines.map((line) => line.split(":")[0])).toEqual([
      "Only one of KIE_API_URL and KIE_UPLOAD_URL is set",
      "TELEGRAM_WEBHOOK_SECRET has fewer than 16 characters",
      "TELEGRAM_APP_NAME is set without TELEGRAM_BOT_NAME",
      "KIE_INPUTS=links with a PUBLIC_URL on loopback",
      ".env has KIE_APIKEY, which is no setting. `atelier settings` lists all of them.",
    ]);
  });

  test("a wrong setting and a broken catalogue are said once and keep nothing else from being looked at", async () => {
    const environment = settings({ KIE_API_URL: "http://kie.example", CATALOGUE_FILE: "/nowhere.json" });
    const { code, check } = await examine(environment);
    expect(code).toBe(1);
    expect(check("settings").lines.join("\n")).toContain("KIE_API_URL must be https");
    expect(check("settings").lines.join("\n")).toContain("CATALOGUE_FILE /nowhere.json cannot be read");
    expect(check("kie.ai balance").status).toBe("warning");
    for (const name of ["queue", "kie.ai breaker"]) expect(check(name).status).toBe("ok");
    expect(check("database").status).toBe(DATABASE_WELL);
  });
});
