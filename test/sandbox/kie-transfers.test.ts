import { describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { download, failureOf, HASTY, PERSON, useKieLane } from "./kie-lane.ts";

const lane = useKieLane();

describe("reading and uploading", () => {
  for (const mode of ["reset", "edge_502", "half_body", "not_json", "code_500", "http_500", "code_455"]) {
    test(`F9 goes through after two times of ${mode}`, async () => {
      for (const name of ["kie.query", "kie.credit", "kie.upload"])
        lane().emulator.faults.set(name, { mode, times: 2 });
      expect(await lane().client.getTask("0".repeat(32))).toMatchObject({ state: "not_found_yet" });
      expect(await lane().client.credits()).toBe(1_000);
      expect(await lane().client.uploadImage({ bytes: PERSON, mime: "image/png" })).toHaveProperty("url");
    });
  }

  test("F9 gives up after three tries, and a hang is not waited for three times", async () => {
    lane().emulator.faults.set("kie.query", { mode: "edge_502", times: 4 });
    expect((await failureOf(lane().client.getTask("x"))).kind).toBe("unavailable");
    expect(lane().emulator.faults.active()["kie.query"]?.times).toBe(1);
    lane().emulator.faults.set("kie.credit", { mode: "hang", times: 4 });
    expect((await failureOf(lane().clientWith({ timeouts: HASTY }).credits())).kind).toBe("unavailable");
    expect(lane().emulator.faults.active()["kie.credit"]?.times).toBe(3);
  });

  test("J6 a query that is refused for good is refused, and 501 and 408 are failed tasks", async () => {
    const kinds: [mode: string, kind: ProviderFailureKind][] = [
      ["code_401", "unauthorized"],
      ["code_402", "out_of_funds"],
      ["code_429", "rate_limited"],
      ["code_433", "out_of_funds"],
      ["code_505", "rejected"],
      ["edge_1010", "unavailable"],
    ];
    for (const [mode, kind] of kinds) {
      lane().emulator.faults.set("kie.query", { mode });
      expect((await failureOf(lane().client.getTask("x"))).kind).toBe(kind);
    }
    for (const mode of ["code_501", "code_408"]) {
      lane().emulator.faults.set("kie.query", { mode });
      expect(await lane().client.getTask("x")).toMatchObject({ state: "failed", failure: { kind: "transient" } });
    }
  });

  test("C6 an impossible balance is refused aloud", async () => {
    for (const mode of ["negative", "not_a_number"]) {
      lane().emulator.faults.set("kie.credit", { mode });
      expect(await failureOf(lane().client.credits())).toMatchObject({ kind: "rejected", alert: true });
    }
  });

  test("J8 a hundred uploads of one name get a hundred links", async () => {
    const upload = async (): Promise<string> =>
      (await lane().client.uploadImage({ bytes: PERSON, mime: "image/png", name: "Person Photo.PNG" })).url;
    const links = new Set<string>();
    for (let index = 0; index < 100; index += 1) links.add(await upload());
    expect(links.size).toBe(100);
    for (const link of links) expect(link).toMatch(/\/atelier\/person-photo-png-[\w-]{22}\.png$/);
  });
});

describe("a result's download", () => {
  const kinds: [mode: string, kind: ProviderFailureKind][] = [
    ["http_404", "unavailable"],
    ["http_500", "unavailable"],
    ["http_503", "unavailable"],
    ["edge_1010", "unavailable"],
    ["edge_502", "unavailable"],
    ["reset", "unavailable"],
    ["hang", "unavailable"],
    ["half_body", "unavailable"],
    ["html", "rejected"],
    ["not_json", "rejected"],
    ["too_large", "rejected"],
    ["endless", "rejected"],
    ["redirect_loop", "rejected"],
    ["redirect_private", "rejected"],
    ["redirect_foreign", "rejected"],
  ];
  test("J9 F9 each fault of the file host is of the right class", async () => {
    const url = (await lane().run("x")).resultUrls[0] ?? "";
    for (const [mode, kind] of kinds) {
      lane().emulator.faults.set("kie.result", { mode });
      const options = mode === "hang" ? { timeoutMs: HASTY.queryMs } : {};
      expect({ mode, kind: (await failureOf(download(lane(), url, options))).kind }).toEqual({ mode, kind });
    }
    for (const mode of ["redirect_once", "garbage", "delay"]) {
      lane().emulator.faults.set("kie.result", { mode, times: 1, delayMs: 10 });
      expect((await download(lane(), url)).byteLength).toBeGreaterThan(10);
    }
    lane().emulator.faults.clear("kie.result");
    expect(await download(lane(), url)).toEqual(PERSON);
  });

  test("F9 a result is there until it expires, however many photos come after it", async () => {
    const url = (await lane().run("x")).resultUrls[0] ?? "";
    const upload = () => lane().client.uploadImage({ bytes: PERSON, mime: "image/png" });
    for (let round = 0; round < 50; round += 1) await Promise.all(Array.from({ length: 10 }, upload));
    expect(await download(lane(), url)).toEqual(PERSON);
  });

  test("J9 links to other hosts and to private addresses are not followed", async () => {
    for (const outcome of ["foreign_result", "private_result"]) {
      const task = await lane().run(`sandbox:${outcome}`);
      expect(task.state).toBe("succeeded");
      expect((await failureOf(download(lane(), task.resultUrls[0] ?? ""))).kind).toBe("rejected");
    }
  });
});
