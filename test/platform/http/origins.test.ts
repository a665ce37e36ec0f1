import { expect, test } from "bun:test";
import { settingsTable } from "../../../src/platform/config/settings.ts";
import { originRule } from "../../../src/platform/http/origins.ts";

const mayConnect = originRule({
  PUBLIC_URL: "https://app.example.org/base",
  ALLOWED_ORIGINS: ["http://localhost:5173", "https://Staging.Example.org"],
});

test("no origin, our own, Telegram's web clients and those of the list may connect", () => {
  const allowed = [
    null,
    "https://app.example.org",
    "https://web.telegram.org",
    "https://k.web.telegram.org",
    "http://localhost:5173",
    "https://staging.example.org",
  ];
  for (const origin of allowed) expect([origin, mayConnect(origin)]).toEqual([origin, true]);
});

test("everybody else may not, however alike they look", () => {
  const refused = [
    "null",
    "",
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://app.example.org.evil.example",
    "https://evil.example/https://app.example.org",
    "http://web.telegram.org",
    "https://web.telegram.org:444",
    "https://web.telegram.org.evil.example",
    "https://evilweb.telegram.org",
    "https://telegram.org",
    "https://web.telegram.org@evil.example",
    "https://web.telegram.org/",
    "https://user@web.telegram.org",
    "http://localhost:5174",
    "file://",
    "chrome-extension://abcdef",
  ];
  for (const origin of refused) expect([origin, mayConnect(origin)]).toEqual([origin, false]);
});

test("without PUBLIC_URL and without a list only Telegram and clients that are no browsers may connect", () => {
  const rule = originRule({ PUBLIC_URL: "", ALLOWED_ORIGINS: [] });
  expect([null, "https://web.telegram.org", "https://app.example.org", ""].map(rule)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("ALLOWED_ORIGINS takes origins and nothing else, and is empty by default", () => {
  const setting = settingsTable.ALLOWED_ORIGINS;
  expect(setting.default).toEqual([]);
  expect(setting.parse("https://a.example, http://localhost:5173")).toEqual([
    "https://a.example",
    "http://localhost:5173",
  ]);
  for (const text of [
    "*",
    "a.example",
    "https://a.example/path",
    "https://*.example",
    "ws://a.example",
    "https://a b",
  ]) {
    expect(() => setting.parse(text)).toThrow("origins");
  }
});
