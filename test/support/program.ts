import { resolve } from "node:path";

const MAIN = resolve(import.meta.dir, "../../src/main.ts");
const compiled = process.env.ATELIER_PROGRAM;

/** Whether it is a compiled file that the tests meet. */
export const isCompiled = compiled !== undefined;

/**
 * What a command line of the program begins with: the compiled file that `ATELIER_PROGRAM` names, as in the gate, otherwise Bun and
 * the sources. The compiled one is what people run, and starts with a quarter of the work.
 */
export const PROGRAM: readonly string[] =
  compiled === undefined ? [process.execPath, "--no-env-file", MAIN] : [resolve(compiled)];
