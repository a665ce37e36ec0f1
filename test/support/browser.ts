import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import packedChromium, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";
import packageJson from "../../package.json" with { type: "json" };

const VERSION = packageJson.devDependencies["@sparticuz/chromium"];
/** Unpacked once for each version, beside the packages and apart from whatever else lies in the machine's /tmp. */
const FOLDER = resolve(import.meta.dir, "../../node_modules/.cache", `chromium-${VERSION}`);
/** The package's own list serves small functions in a cloud; tests are to see the checks between origins at work. */
const FLAGS_LEFT_OUT = /^--(single-process|disable-web-security|disable-site-isolation-trials|allow-running-insecure)/;

let launching: Promise<Browser> | undefined;

/**
 * A real Chromium, the same one for all tests of a file; it comes with the packages, so nothing is fetched. Each test
 * opens a page of its own, and the file says `afterAll(closeBrowser)`.
 */
export function openBrowser(): Promise<Browser> {
  launching ??= launch();
  return launching;
}

export async function closeBrowser(): Promise<void> {
  const browser = await launching?.catch(() => undefined);
  launching = undefined;
  await browser?.close();
}

async function launch(): Promise<Browser> {
  const executablePath = await unpack();
  const start = (libraries: Record<string, string>) =>
    chromium.launch({
      executablePath,
      args: packedChromium.args.filter((flag) => !FLAGS_LEFT_OUT.test(flag)),
      env: { ...process.env, FONTCONFIG_PATH: join(FOLDER, "fonts"), ...libraries },
    });
  return start({}).catch((error: Error) => {
    if (!error.message.includes("error while loading shared libraries")) throw error;
    return start({ LD_LIBRARY_PATH: join(FOLDER, "al2023/lib") });
  });
}

/** The package unpacks into the folder for temporary files and takes whatever already lies there under its names. */
async function unpack(): Promise<string> {
  const program = join(FOLDER, "chromium");
  if (existsSync(program)) return program;
  const half = `${FOLDER}-${process.pid}`;
  mkdirSync(half, { recursive: true });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = half;
  try {
    if (tmpdir() !== half) throw new Error("the folder for temporary files could not be chosen");
    await packedChromium.executablePath();
    // The libraries of its own that it needs on the barest of machines.
    await inflate(join(dirname(require.resolve("@sparticuz/chromium")), "../bin/al2023.tar.br"));
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  try {
    renameSync(half, FOLDER);
  } catch {
    // Another run was quicker.
    rmSync(half, { recursive: true, force: true });
  }
  return program;
}
