import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Glob } from "bun";

/** A test that reaches one of these, itself or through other files under `test`, runs in both database lanes. */
const DATABASE_SUPPORT = ["test/support/app.ts", "test/support/database.ts"];

/** Every test file under `<projectFolder>/test`, as paths from the project's folder, in alphabetical order. */
export function listTests(projectFolder: string): string[] {
  return [...new Glob("test/**/*.test.{ts,tsx}").scanSync({ cwd: projectFolder })].sort();
}

/** Whether the test needs a database, judged by its imports; `file` is a path from the project's folder. */
export function needsDatabase(file: string, projectFolder: string): boolean {
  const seen = new Set<string>();
  const reaches = (path: string): boolean => {
    if (DATABASE_SUPPORT.includes(path)) return true;
    if (seen.has(path)) return false;
    seen.add(path);
    return importsUnderTest(path, projectFolder).some(reaches);
  };
  return reaches(file);
}

/** By the ending: `<T>(one: T)` begins a function in one of them and an element in the other. */
const transpilers = { ts: new Bun.Transpiler({ loader: "ts" }), tsx: new Bun.Transpiler({ loader: "tsx" }) };

function importsUnderTest(path: string, projectFolder: string): string[] {
  let source: string;
  try {
    source = readFileSync(join(projectFolder, path), "utf8");
  } catch {
    // A missing import is the test's own failure, which its run reports better.
    return [];
  }
  return transpilers[path.endsWith(".tsx") ? "tsx" : "ts"]
    .scanImports(source)
    .filter((found) => found.path.startsWith(".") && /\.tsx?$/.test(found.path))
    .map((found) => relative(projectFolder, resolve(projectFolder, dirname(path), found.path)))
    .filter((found) => found.startsWith("test/"));
}

/** Whether `bun test` with these path filters runs the file: part of its path, or with `./` or `/` the very path. */
export function matchesFilters(file: string, filters: readonly string[], projectFolder: string): boolean {
  if (filters.length === 0) return true;
  return filters.some((filter) => {
    if (!/^\.{0,2}\//.test(filter)) return file.includes(filter);
    const wanted = relative(projectFolder, resolve(projectFolder, filter));
    return file === wanted || file.startsWith(`${wanted}/`);
  });
}
