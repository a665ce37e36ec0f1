import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pagesPlugin } from "./pages-plugin.ts";
import { sharpPlugin } from "./sharp-plugin.ts";
import type { BuildTarget } from "./targets.ts";
import { tracePlugin } from "./trace-plugin.ts";

export interface ExecutableOptions {
  /** The TypeScript file that the program starts with. */
  entry: string;
  outfile: string;
  target: BuildTarget;
  /** The folder that holds package.json and node_modules. */
  projectFolder: string;
  /** The folder whose node_modules hold the target's sharp packages; default: the project's. */
  nativeFolder?: string;
  /** The Bun that becomes part of the file; default: this very one, or what Bun fetches for another machine. */
  runtime?: string;
  /** Names in the source that become these texts, such as the version. */
  constants: Readonly<Record<string, string>>;
  /** What else takes part in the build; nothing of the kind in what is shipped. */
  plugins?: readonly Bun.BunPlugin[];
}

export interface Executable {
  path: string;
  bytes: number;
}

/**
 * Compiles a program, Bun itself, sharp's native code and every imported file (`with { type: "text" | "file" }`) into
 * one file. It appears under its name only when complete, so one that is running is not disturbed.
 * Throws with the compiler's messages when it does not compile.
 */
export async function buildExecutable(options: ExecutableOptions): Promise<Executable> {
  mkdirSync(dirname(options.outfile), { recursive: true });
  // On the same disk as the result, so that the last step is a rename; the compiler also leaves a source map here.
  const workshop = mkdtempSync(join(dirname(options.outfile), ".compiling-"));
  const compiled = join(workshop, basename(options.outfile));
  try {
    const result = await Bun.build({
      entrypoints: [options.entry],
      compile: {
        target: options.target.bun,
        outfile: compiled,
        ...(options.runtime === undefined ? {} : { executablePath: options.runtime }),
        // What lies in the working directory must not change the program: `.env` is read by its own rule, by ourselves.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
      // Bytecode spares parsing at start; as an ES module, since a CommonJS one refuses `await` at the top level.
      format: "esm",
      bytecode: true,
      // What is imported while running lies in pieces of its own, whose code is not even read before.
      splitting: true,
      // Names stay: errors and logs show those of classes and functions, and Elysia reads the text of handlers.
      minify: { whitespace: true, syntax: true, identifiers: false },
      // Embedded and compressed: a stack in the log names the source's lines.
      sourcemap: "inline",
      define: Object.fromEntries(Object.entries(options.constants).map(([name, text]) => [name, JSON.stringify(text)])),
      plugins: [
        sharpPlugin(options.target, options.projectFolder, options.nativeFolder),
        tracePlugin,
        await pagesPlugin(options.projectFolder),
        ...(options.plugins ?? []),
      ],
      throw: false,
    });
    if (!result.success) throw new Error(result.logs.map(describe).join("\n"));
    renameSync(compiled, options.outfile);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  return { path: options.outfile, bytes: statSync(options.outfile).size };
}

function describe({ message, position }: BuildMessage | ResolveMessage): string {
  return position ? `${position.file}:${position.line}: ${message}` : message;
}
