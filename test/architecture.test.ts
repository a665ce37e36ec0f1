import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { circles, fault } from "./support/import-rules.ts";
import { importsBelow, importsIn } from "./support/imports.ts";

const projectFolder = resolve(import.meta.dir, "..");

describe("who imports whom", () => {
  const imports = importsBelow(projectFolder, "src");

  test("every import in src keeps to the rules of test/support/import-rules.ts", () => {
    expect(imports.length).toBeGreaterThan(500);
    const faults = imports.flatMap((found) => {
      const sentence = fault(found);
      return sentence === null ? [] : [`${found.file}:${found.line} imports ${found.target}: ${sentence}`];
    });
    expect(faults).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(circles(imports)).toEqual([]);
  });

  test("the program imports nothing that it does not name in package.json", async () => {
    const { dependencies, devDependencies } = await Bun.file(resolve(projectFolder, "package.json")).json();
    const known = new Set(Object.keys(dependencies));
    // Turned into the program's own bytes when it is built.
    const embedded = new Set(Object.keys(devDependencies));
    const isOwn = (target: string) => /^(node:|bun$|bun:|src\/|drizzle\/|package\.json$)/.test(target);
    const unknown = imports
      .filter(({ target }) => !isOwn(target))
      .map((found) => ({ ...found, name: /^(@[^/]+\/)?[^/]+/.exec(found.target)?.[0] ?? "" }))
      .filter(({ name, file, target }) => {
        const mayEmbed = file.startsWith("src/build/") || /\.(css|js|ttf|html)$/.test(target);
        return !known.has(name) && !(mayEmbed && embedded.has(name));
      });
    expect(unknown.map(({ file, line, target }) => `${file}:${line} ${target}`)).toEqual([]);
  });
});

describe("the rules refuse", () => {
  const refused: [string, string, string][] = [
    ["src/platform/wake.ts", "src/context.ts", "platform must not know context"],
    ["src/platform/queue/work.ts", "src/features/billing/index.ts", "platform must not know features"],
    ["src/providers/kie/client.ts", "src/context.ts", "providers must not know context"],
    ["src/providers/kie/client.ts", "src/providers/openrouter/wire.ts", "a provider knows nothing of another"],
    ["src/context.ts", "src/features/billing/index.ts", "context must not know features"],
    ["src/features/billing/ledger/ledger.ts", "src/routes.ts", "features must not know assembly"],
    ["src/features/billing/ledger/ledger.ts", "src/jobs.ts", "features must not know assembly"],
    ["src/roles/api.ts", "src/commands/serve.ts", "roles must not know commands"],
    ["src/commands/serve.ts", "src/main.ts", "commands must not know main"],
    ["src/features/profile/users.ts", "src/features/billing/index.ts", "profile must not know billing"],
    ["src/features/billing/ledger/ledger.ts", "src/features/auth/index.ts", "billing must not know auth"],
    ["src/features/billing/ledger/ledger.ts", "src/features/generations/index.ts", "billing must not know generations"],
    ["src/features/generations/start.ts", "src/features/privacy/index.ts", "generations must not know privacy"],
    ["src/features/fitting/zones.ts", "src/features/editing/index.ts", "fitting must not know editing"],
    ["src/features/generations/start.ts", "src/features/billing/ledger/ledger.ts", "entered through its index.ts"],
    ["src/features/fitting/routes.ts", "src/features/photos/photos.ts", "entered through its index.ts"],
    ["src/features/fitting/start-fitting.ts", "src/features/photos/schemas.ts", "entered through its index.ts"],
    ["src/features/unheard/of.ts", "src/features/photos/index.ts", "has no rank"],
    ["src/features/billing/ledger/balance.ts", "src/features/auth/guard.ts", "the guard stands in routes only"],
    ["src/roles/worker.ts", "src/features/billing/ledger/ledger.ts", "entered through its index.ts"],
    ["src/routes.ts", "src/features/billing/ledger/ledger.ts", "index, routes and tables only"],
    ["src/features/generations/submit.ts", "src/providers/kie/wire.ts", "wire formats stay inside"],
    ["src/features/billing/ledger/ledger.ts", "src/platform/db/dialect.ts", "look at the dialect"],
    ["src/platform/queue/enqueue.ts", "src/platform/db/dialect.ts", "look at the dialect"],
    ["src/commands/serve.ts", "src/platform/db/dialect.ts", "look at the dialect"],
    ["src/features/billing/ledger/ledger.ts", "postgres", "database drivers"],
    ["src/platform/queue/claim.ts", "bun:sqlite", "database drivers"],
    ["src/features/billing/ledger/ledger.ts", "drizzle-orm/pg-core", "database drivers"],
    ["src/features/photos/photos.ts", "sharp", "only platform/images uses sharp"],
    ["src/features/billing/ledger/ledger.ts", "elysia", "HTTP belongs into routes"],
    ["src/context.ts", "@elysiajs/jwt", "HTTP belongs into routes"],
    ["src/features/generations/submit.ts", "src/sandbox/kie.ts", "for its commands and the tests"],
    ["src/commands/doctor.ts", "src/sandbox/server.ts", "for its commands and the tests"],
    ["src/sandbox/kie.ts", "src/providers/kie/client.ts", "wire formats only"],
    ["src/sandbox/kie.ts", "src/context.ts", "wire formats only"],
    ["src/sandbox/kie.ts", "src/features/photos/index.ts", "wire formats only"],
    ["src/commands/version.ts", "src/build/compile.ts", "no part of it"],
    ["src/commands/migrate.ts", "drizzle/migrations.ts", "only the context knows the migrations"],
    ["src/web/admin/people.tsx", "src/features/admin/index.ts", "nothing of the server"],
    ["src/web/kit/format.ts", "src/platform/moscow.ts", "nothing of the server"],
    ["src/routes.ts", "src/web/admin/words.ts", "bundled and sent"],
    ["src/web/bundle.ts", "src/web/kit/words.ts", "bundled and sent"],
    ["src/platform/http/web-pages.ts", "preact/hooks", "stays in them"],
    ["src/platform/clock.ts", "test/support/clock.ts", "nothing of what is around it"],
  ];
  test.each(refused)("%s -> %s", (file, target, sentence) => {
    expect(fault({ file, target, line: 1, typeOnly: false })).toContain(sentence);
    if (!file.startsWith("src/build/")) expect(fault({ file, target, line: 1, typeOnly: true })).toContain(sentence);
  });

  test("a circle, by the files in it, but not one of types", () => {
    const link = (file: string, target: string, typeOnly = false) => ({ file, target, line: 1, typeOnly });
    const [a, b, c] = ["src/a.ts", "src/b.ts", "src/c.ts"];
    expect(circles([link(a, b), link(b, c), link(c, a)])).toEqual(["src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts"]);
    expect(circles([link(a, b), link(b, c), link(c, a, true), link(a, c)])).toEqual([]);
  });
});

describe("the scanner finds", () => {
  const scan = (text: string) =>
    importsIn("src/features/x/y.ts", text).map(({ line, target, typeOnly }) => [line, target, typeOnly]);

  test("imports, exports, type imports, calls and types, each with its line", () => {
    const text = [
      'import a from "./a.ts";',
      "import {",
      "  type B,",
      "  c,",
      '} from "../b.ts";',
      'import type { D } from "elysia";',
      'import { type E, type F } from "../../context.ts";',
      'export * from "./g.ts";',
      'export { type H, i } from "./h.ts";',
      'import "./side-effect.ts";',
      'const lazy = await import("./lazy.ts");',
      'type T = import("./type.ts").T;',
      'import data from "./data.json" with { type: "text" };',
    ].join("\n");
    expect(scan(text)).toEqual([
      [1, "src/features/x/a.ts", false],
      [2, "src/features/b.ts", false],
      [6, "elysia", true],
      [7, "src/context.ts", true],
      [8, "src/features/x/g.ts", false],
      [9, "src/features/x/h.ts", false],
      [10, "src/features/x/side-effect.ts", false],
      [11, "src/features/x/lazy.ts", false],
      [12, "src/features/x/type.ts", false],
      [13, "src/features/x/data.json", false],
    ]);
  });

  test("nothing in comments, and no words in texts", () => {
    const text = [
      '// import a from "./a.ts";',
      '/* import b from "./b.ts";',
      '   export * from "./c.ts"; */',
      "const words = \"import from 'x'\";",
      'const list = rows.filter((row) => row.from === "x");',
      'export const greeting = "from", other = "y";',
      'const url = "https://x"; import z from "./z.ts";',
    ].join("\n");
    expect(scan(text)).toEqual([[7, "src/features/x/z.ts", false]]);
  });
});
