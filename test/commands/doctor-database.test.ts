import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lane } from "../support/database.ts";
import { setDoctorStage } from "../support/doctor-stage.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const { examine, settings, syncCommits } = await setDoctorStage();

describe("atelier doctor", () => {
  test("a database that cannot be used fails one check, with what to do; the others are looked at", async () => {
    const folder = makeTemporaryFolder("atelier-doctor-");
    writeFileSync(join(folder, "atelier.sqlite"), "this is a shopping list, not a database ".repeat(50));
    const broken = {
      DATA_DIR: folder,
      ...(lane === "postgres" ? { DATABASE_URL: "postgres://a:b@127.0.0.1:1/c" } : {}),
    };
    const { code, check } = await examine(settings(broken));
    expect(code).toBe(1);
    expect(check("database").status).toBe("failed");
    expect(check("database").text).toContain(
      lane === "postgres" ? "are host and port in DATABASE_URL right?" : "The file is something else, or damaged",
    );
    expect(check("queue").text).toBe("Not looked at: the database cannot be used (see database).");
    for (const name of ["storage", "images", "kie.ai balance"]) expect(check(name).status).toBe("ok");
  });

  test.skipIf(lane === "sqlite")(
    "warns of commits that a crash may lose (Postgres only: its own setting)",
    async () => {
      await syncCommits("off");
      const { code, check } = await examine();
      await syncCommits("on");
      expect({ code, status: check("database").status }).toEqual({ code: 0, status: "warning" });
      expect(check("database").lines[0]).toStartWith("synchronous_commit is off");
    },
  );

  test.skipIf(lane === "postgres")(
    "makes nothing where no server was ever started (SQLite only: a folder)",
    async () => {
      const folder = join(makeTemporaryFolder("atelier-doctor-"), "data");
      const { code, check } = await examine(settings({ DATA_DIR: folder }));
      expect({ code, isMade: existsSync(folder) }).toEqual({ code: 0, isMade: false });
      expect(check("database").text).toContain("`atelier serve` makes it at its first start");
      expect(check("queue").text).toBe("Not looked at: there is no database yet (see database).");
    },
  );
});
