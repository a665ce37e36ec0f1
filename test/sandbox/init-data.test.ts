import { expect, test } from "bun:test";
import { verify } from "node:crypto";
import { sandboxPublicKey, signInitData } from "../../src/sandbox/init-data.ts";

const plain = {
  botToken: "42:TEST",
  user: { id: 7, first_name: "A/B & Söhne" },
  authDate: new Date("2026-09-01T12:00:00.900Z"),
  startParam: "ref_x",
  extra: { query_id: "q=1" },
};

test("launch data is written as Telegram writes it: percent-encoded, slashes escaped, whole seconds, hash last", () => {
  const initData = signInitData(plain);
  const fields = new URLSearchParams(initData);
  expect(initData).toMatch(/^[\x21-\x7e]+$/);
  expect(fields.get("user")).toBe('{"id":7,"first_name":"A\\/B & Söhne"}');
  expect(fields.get("auth_date")).toBe("1788264000");
  expect(fields.get("start_param")).toBe("ref_x");
  expect(fields.get("query_id")).toBe("q=1");
  expect([...fields.keys()].slice(-2)).toEqual(["signature", "hash"]);
});

test("the Ed25519 signature verifies with the sandbox's public key over bot id and fields, and with no other", () => {
  const fields = new URLSearchParams(signInitData(plain));
  const signature = Buffer.from(fields.get("signature") ?? "", "base64url");
  const lines = [...fields].filter(([name]) => name !== "signature" && name !== "hash").map((pair) => pair.join("="));
  const message = Buffer.from(`42:WebAppData\n${lines.sort().join("\n")}`);
  expect(verify(null, message, sandboxPublicKey("42:TEST"), signature)).toBe(true);
  expect(verify(null, message, sandboxPublicKey("43:TEST"), signature)).toBe(false);
  expect(verify(null, Buffer.concat([message, Buffer.from("x")]), sandboxPublicKey("42:TEST"), signature)).toBe(false);
});

test("the same order gives the same launch data", () => {
  expect(signInitData(plain)).toBe(signInitData(plain));
  expect(signInitData({ ...plain, startParam: "ref_y" })).not.toBe(signInitData(plain));
});
