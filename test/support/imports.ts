import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

/** One import as it stands in the text, type imports too. */
export interface Import {
  /** The importing file, from the project's folder. */
  file: string;
  line: number;
  /** A file from the project's folder, or a package as it is written. */
  target: string;
  /** Whether only types come through it. */
  typeOnly: boolean;
}

/** Every import in the TypeScript files below `folder` of the project. */
export function importsBelow(projectFolder: string, folder: string): Import[] {
  return [...new Glob(`${folder}/**/*.{ts,tsx}`).scanSync({ cwd: projectFolder })]
    .sort()
    .flatMap((file) => importsIn(file, readFileSync(join(projectFolder, file), "utf8")));
}

const STATEMENT = /(?:^|[;}\n])[ \t]*(import|export)\b([^"'`;=()]*?)\bfrom\s*["']([^"'\n]+)["']/g;
const BARE = /(?:^|[;}\n])[ \t]*(import)()\s*["']([^"'\n]+)["']/g;
/** `import("x")`, as a call or inside a type, and `require("x")`. */
const CALL = /\b(import|require)\s*()\(\s*["']([^"'\n]+)["']/g;

/** The imports in one file's text; comments do not count. */
export function importsIn(file: string, source: string): Import[] {
  const text = withoutComments(source);
  const found: Import[] = [];
  for (const pattern of [STATEMENT, BARE, CALL]) {
    for (const match of text.matchAll(pattern)) {
      const [whole = "", word = "", names = "", path = ""] = match;
      const at = match.index + whole.indexOf(word);
      found.push({
        file,
        line: text.slice(0, at).split("\n").length,
        target: path.startsWith(".") ? join(dirname(file), path) : path,
        typeOnly: /^\s*type\b/.test(names) || onlyTypes(names),
      });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `{ type A, type B }`. */
function onlyTypes(names: string): boolean {
  const inner = /^\s*\{([\s\S]*)\}\s*$/.exec(names)?.[1];
  const list = inner?.split(",").map((name) => name.trim()) ?? [];
  const named = list.filter((name) => name !== "");
  return named.length > 0 && named.every((name) => name.startsWith("type "));
}

/** The same text with comments blanked out, line by line; strings that hold `//` stay as they are. */
function withoutComments(source: string): string {
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return source.replace(token, (text) => (/^\/[/*]/.test(text) ? text.replace(/[^\n]/g, " ") : text));
}
