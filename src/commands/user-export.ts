import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { exportPerson } from "../features/privacy/index.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, readArguments, withContext } from "./command.ts";
import { personOf, telegramIdFrom } from "./user.ts";

const USAGE = "Usage: atelier user export <telegram_id> [--out <file>]";
/** Everything about a person stands in it. */
const FILE_MODE = 0o600;

export const userExportCommand: Command = {
  name: "user export",
  summary: "everything that is stored about a person, as a zip",
  help: `${USAGE}

  --out   where to write it; default: atelier-export-<telegram_id>.zip in this folder

Holds what \`GET /profile/export\` gives the person: data/<table>.json for each table, the pictures that they may see,
and contents.json with the counts. Readable by you alone; a file that is there already is left as it is.

Example:
  atelier user export 123456789 --out anna.zip`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { out: "string" },
      words: ["telegram_id"],
    });
    const telegramId = telegramIdFrom(words[0]);
    const path = resolve(values.out ?? `atelier-export-${telegramId}.zip`);
    return withContext(async (ctx) => {
      const person = await personOf(ctx, telegramId);
      const bytes = await writeNew(path, exportPerson(ctx, person.id));
      print(`Wrote ${bytes} bytes to ${path}`);
      return 0;
    });
  },
};

/** Writes the stream piece by piece into a file that was not there before; returns its size in bytes. */
async function writeNew(path: string, stream: ReadableStream<Uint8Array>): Promise<number> {
  const file = await open(path, "wx", FILE_MODE).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorError(
      error.code === "EEXIST"
        ? `${path} is there already. Move it away, or choose another file: --out other.zip`
        : `${path} cannot be written: ${error.message}`,
    );
  });
  try {
    let bytes = 0;
    for await (const piece of stream) {
      await file.writeFile(piece);
      bytes += piece.byteLength;
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}
