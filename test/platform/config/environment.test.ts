import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../../src/platform/config/environment.ts";
import { chooseDialect } from "../../../src/platform/db/dialect.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atelier-environment-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const dotenv = (text: string) => file(".env", text);

function read(variables: Record<string, string | undefined>, from: string | null = folder) {
  const faults: string[] = [];
  const environment = readEnvironment(variables, from, faults);
  return { faults, environment, of: (name: string) => environment.get(name) };
}

describe("the environment", () => {
  test("stands above .env, which stands above nothing", () => {
    dotenv("PORT=4000\nHOST=127.0.0.1\n");
    const { of, faults } = read({ PORT: "5000" });
    expect(of("PORT")).toEqual({ value: "5000", source: "environment" });
    expect(of("HOST")).toEqual({ value: "127.0.0.1", source: ".env" });
    expect(of("DATA_DIR")).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test("does not hide .env behind a blank value: blank is not set", () => {
    dotenv("PORT=4000\nHOST=\nDATA_DIR=   \n");
    const { of } = read({ PORT: "", KIE_API_KEY: " \t", HOST: undefined });
    expect(of("PORT")).toEqual({ value: "4000", source: ".env" });
    for (const name of ["HOST", "DATA_DIR", "KIE_API_KEY"]) expect(of(name)).toBeUndefined();
  });

  test("reads .env as its authors write it: comments, quotes, export, several lines", () => {
    dotenv(
      `# a comment\nexport PORT=4000 # behind a value\nHOST="0.0.0.0"\nDATA_DIR='/var/lib/a b'\nJWT_SECRET=a=b=c\n`,
    );
    const { of } = read({});
    expect(["PORT", "HOST", "DATA_DIR", "JWT_SECRET"].map((name) => of(name)?.value)).toEqual([
      "4000",
      "0.0.0.0",
      "/var/lib/a b",
      "a=b=c",
    ]);
  });

  test("works without a .env, and leaves one alone that it is not pointed at", () => {
    expect(read({ PORT: "1" }).environment.size).toBe(1);
    dotenv("PORT=4000");
    expect(read({}, null).environment.size).toBe(0);
  });
});

describe("NAME_FILE", () => {
  test("hands over what stands in the file, without the line end behind it", () => {
    const { of, faults } = read({ JWT_SECRET_FILE: file("jwt", "  a secret with spaces \r\n\n") });
    expect(of("JWT_SECRET")).toEqual({ value: "  a secret with spaces", source: "file" });
    expect(faults).toEqual([]);
  });

  test("works from .env too, and below the environment", () => {
    dotenv(`LINK_SECRET_FILE=${file("link", "from the file")}\nKIE_API_KEY_FILE=${file("kie", "below")}\n`);
    const { of } = read({ KIE_API_KEY: "above" });
    expect(of("LINK_SECRET")).toEqual({ value: "from the file", source: "file" });
    expect(of("KIE_API_KEY")).toEqual({ value: "above", source: "environment" });
  });

  test("of the environment stands above NAME of .env, and below NAME of the environment", () => {
    dotenv("JWT_SECRET=of .env\nLINK_SECRET=of .env\n");
    const secret = file("secret", "of the file");
    const { of } = read({ JWT_SECRET_FILE: secret, LINK_SECRET: "direct", LINK_SECRET_FILE: secret });
    expect(of("JWT_SECRET")?.value).toBe("of the file");
    expect(of("LINK_SECRET")?.value).toBe("direct");
  });

  test("that cannot be read, or holds nothing, is a fault that names it; all at once", () => {
    const { faults, of } = read({
      JWT_SECRET_FILE: join(folder, "missing"),
      PORT_FILE: join(folder, "missing too"),
      KIE_API_KEY_FILE: file("empty", " \n"),
      LINK_SECRET_FILE: folder,
    });
    expect(faults.sort()).toEqual([
      `JWT_SECRET_FILE names ${join(folder, "missing")}, which cannot be read`,
      `KIE_API_KEY_FILE names ${join(folder, "empty")}, which is empty`,
      `LINK_SECRET_FILE names ${folder}, which cannot be read`,
      `PORT_FILE names ${join(folder, "missing too")}, which cannot be read`,
    ]);
    expect(of("KIE_API_KEY")).toBeUndefined();
  });

  test("of others is neither read nor a fault: CATALOGUE_FILE is a path, SSL_CERT_FILE is not ours", () => {
    const { environment, faults } = read({
      CATALOGUE_FILE: join(folder, "catalogue.json"),
      SSL_CERT_FILE: file("certificates", "many"),
      AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere/token",
      _FILE: "/nowhere",
    });
    expect([...environment.keys()].sort()).toEqual([
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "CATALOGUE_FILE",
      "SSL_CERT_FILE",
      "_FILE",
    ]);
    expect(faults).toEqual([]);
  });

  test("chooses Postgres as well as DATABASE_URL itself does", () => {
    const { of } = read({ DATABASE_URL_FILE: file("url", "postgresql://user:word@host/name\n") });
    expect(chooseDialect(undefined, of("DATABASE_URL")?.value)).toBe("postgres");
  });
});

test("the dialect is Postgres where DATABASE_URL names one, SQLite otherwise, unless it is said outright", () => {
  expect(
    ["", undefined, "mysql://x", "postgres:/x", "/data/postgres://"].map((url) => chooseDialect(undefined, url)),
  ).toEqual(["sqlite", "sqlite", "sqlite", "sqlite", "sqlite"]);
  expect(["postgres://h/d", "postgresql://h/d"].map((url) => chooseDialect(undefined, url))).toEqual([
    "postgres",
    "postgres",
  ]);
  expect(chooseDialect("sqlite", "postgres://h/d")).toBe("sqlite");
  expect(chooseDialect("postgres", "")).toBe("postgres");
  expect(chooseDialect("oracle", "")).toBe("sqlite");
});
