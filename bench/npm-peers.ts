import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Exact, so that a figure can be repeated. */
const PACKAGES = ["graphile-worker@0.18.0", "pg-boss@12.38.0"];
export const PEERS_FOLDER = join(import.meta.dir, ".peers");
const NPM_FOLDER = join(PEERS_FOLDER, "npm");

/** Installs the peers that come from npm, once, into a folder that the repository ignores. */
export async function installNpmPeers(): Promise<void> {
  const stamp = Bun.file(join(NPM_FOLDER, "installed"));
  const wanted = PACKAGES.join("\n");
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return;
  mkdirSync(NPM_FOLDER, { recursive: true });
  // A file of its own: without it the packages would go into the project's.
  await Bun.write(join(NPM_FOLDER, "package.json"), '{ "private": true }\n');
  const install = Bun.spawn([process.execPath, "add", "--exact", "--ignore-scripts", ...PACKAGES], {
    cwd: NPM_FOLDER,
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await install.exited) !== 0) throw new Error("The peers could not be installed from npm.");
  await Bun.write(stamp, wanted);
}

/** A peer's process: it gets a line of JSON and answers with one. */
export interface PeerProcess {
  ask<Answer = Record<string, number>>(request: Record<string, unknown>): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts `bench/peer/<file>` on Node where there is one, which is what these packages are made for. */
export function startPeer(file: string): PeerProcess {
  const node = Bun.which("node") ?? process.execPath;
  const child = Bun.spawn([node, join(import.meta.dir, "peer", file), NPM_FOLDER], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(child.stdout);
  return {
    async ask<Answer>(request: Record<string, unknown>) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      await child.stdin.flush();
      const { value, done } = await lines.next();
      if (done) throw new Error(`${file} ended`);
      return JSON.parse(value) as Answer;
    },
    async stop() {
      child.stdin.end();
      await child.exited;
    },
  };
}

export async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of output) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((line) => line !== "");
  }
}
