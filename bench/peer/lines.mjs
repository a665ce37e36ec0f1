import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/** Answers each line of JSON on standard input with one on standard output. */
export async function answerLines(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
  process.exit(0);
}

/** A package from the folder of peers, which is not on any path of ours. */
export async function peerPackage(name) {
  const require = createRequire(join(process.argv[2], "package.json"));
  return import(pathToFileURL(require.resolve(name)).href);
}

/** A promise with its handle; `Promise.withResolvers` is younger than the Node that many machines have. */
export function deferred() {
  let resolve = () => {};
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
