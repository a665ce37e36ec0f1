import { deleteFilesOf, type ErasureCounts, erasePerson, previewErasure } from "../features/privacy/index.ts";
import { type Command, print, printJson, readArguments, withContext } from "./command.ts";
import { personOf, telegramIdFrom } from "./user.ts";

const USAGE = "Usage: atelier user erase <telegram_id> [--dry-run] [--json]";

export const userEraseCommand: Command = {
  name: "user erase",
  summary: "erase a person; payments stay, without a name",
  help: `${USAGE}

  --dry-run   count what would go, and change nothing
  --json      the receipt for a program

Does what \`DELETE /profile\` does, also for a banned person: sessions end, what is in work is cancelled, conversations,
names, words and pictures go; credits and a running subscription are lost. Payments and tax entries stay. It cannot be
undone, so look with --dry-run first. Needs the server's LINK_SECRET. What the storage refuses to delete is tried again
by the server.

Examples:
  atelier user erase 123456789 --dry-run
  atelier user erase 123456789`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { "dry-run": "boolean", json: "boolean" },
      words: ["telegram_id"],
    });
    const telegramId = telegramIdFrom(words[0]);
    const isDry = values["dry-run"] === true;
    return withContext(async (ctx) => {
      const { id } = await personOf(ctx, telegramId);
      if (isDry) {
        const counts = await previewErasure(ctx, id);
        if (values.json) printJson({ dry_run: true, ...counts });
        else report("would go", counts);
        return 0;
      }
      const { receipt_id, erased_at, ...counts } = await erasePerson(ctx, { userId: id, askedBy: "operator" });
      const refused = await deleteFilesOf(ctx, id);
      if (values.json) printJson({ dry_run: false, receipt_id, erased_at, ...counts, files_refused: refused });
      else {
        report("gone", counts);
        print(`\nReceipt ${receipt_id} of ${erased_at}`);
        if (refused > 0)
          print(`The storage refused to delete ${refused} pictures; nobody can read them, and the server tries again.`);
      }
      return 0;
    });
  },
};

function report(verb: string, counts: ErasureCounts): void {
  for (const [name, rows] of Object.entries(counts.deleted)) print(`${String(rows).padStart(6)}  ${verb}: ${name}`);
  print(`${String(counts.files).padStart(6)}  ${verb}: pictures`);
  for (const [name, rows] of Object.entries(counts.anonymised)) {
    print(`${String(rows).padStart(6)}  without anything personal: ${name}`);
  }
  print(`${String(counts.credits_forfeited).padStart(6)}  credits lost`);
  if (counts.subscription_ended) print("        a running subscription ends");
}
