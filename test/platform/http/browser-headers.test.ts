import { describe, expect, test } from "bun:test";
import { browserHeaders, pagePolicy } from "../../../src/platform/http/browser-headers.ts";

describe("what every answer tells browsers", () => {
  test("speaks of https only where the outside world comes by it", () => {
    const saysHttpsOnly = (url: string) => "strict-transport-security" in browserHeaders({ PUBLIC_URL: url });
    expect(["https://app.example.org", "https://app.example.org/base"].map(saysHttpsOnly)).toEqual([true, true]);
    expect(["http://localhost:3000", "", "not an address"].map(saysHttpsOnly)).toEqual([false, false, false]);
    const said = browserHeaders({ PUBLIC_URL: "https://app.example.org" })["strict-transport-security"] ?? "";
    expect(Number(/max-age=(\d+)/.exec(said)?.[1])).toBeGreaterThanOrEqual(31_536_000);
    // Other hosts below the owner's name are none of ours, and no list of browsers is joined for them.
    expect(said).not.toMatch(/includeSubDomains|preload/i);
  });
});

describe("a page's policy", () => {
  const rulesOf = (policy: string) => new Map(policy.split("; ").map((rule) => [rule.split(" ")[0], rule] as const));

  test("lets nobody frame it, or Telegram's web clients and nobody else", () => {
    expect(rulesOf(pagePolicy({ framedBy: "nobody" })).get("frame-ancestors")).toBe("frame-ancestors 'none'");
    const framers = rulesOf(pagePolicy({ framedBy: "telegram" })).get("frame-ancestors") ?? "";
    expect(framers.split(" ").slice(1)).toEqual([
      "https://web.telegram.org",
      "https://webk.telegram.org",
      "https://weba.telegram.org",
      "https://webz.telegram.org",
      "https://*.web.telegram.org",
    ]);
  });

  test("never lets a script of the page itself run, and loads nothing from elsewhere unasked", () => {
    for (const framedBy of ["nobody", "telegram"] as const) {
      for (const inlineStyles of [true, false]) {
        const policy = pagePolicy({ framedBy, inlineStyles, scripts: ["https://telegram.org"] });
        const rules = rulesOf(policy);
        expect(rules.get("script-src")).toBe("script-src 'self' https://telegram.org");
        expect(rules.get("default-src")).toBe("default-src 'none'");
        expect(rules.get("base-uri")).toBe("base-uri 'none'");
        expect(policy).not.toContain("unsafe-eval");
        expect(policy.includes("unsafe-inline")).toBe(inlineStyles);
      }
    }
  });
});
