import { type CleanupReport, cleanUp } from "../features/privacy/index.ts";
import { type Command, print, printJson, readArguments, table, withContext } from "./command.ts";

const USAGE = "Usage: atelier cleanup [--dry-run] [--json]";

/** What each count means, in the order in which it is shown. */
const MEANING: Readonly<Record<keyof CleanupReport, string>> = {
  files: "pictures past their time",
  files_tried_again: "pictures tried that the storage had refused to delete before",
  files_refused: "pictures that the storage refused to delete",
  orphans: "stored files that nothing refers to",
  orphans_refused: "stored files that nothing refers to and the storage refused to delete",
  events: "live events older than an hour",
  idempotency_keys: "idempotency keys older than a day",
  rate_buckets: "strict limits that nobody is near any more",
  tickets: "unused tickets for sockets",
  sessions: "sessions that ended more than a week ago",
  conversations: "conversations with the assistant past their 30 days",
  payment_notices: "notices of the payment provider past their 90 days",
  messages: "messages of the bot past their 30 days, and updates of it past three",
  pending_referrals: "starts of the bot behind an invitation link, past their 30 days",
  owner_alerts: "alerts to the owner past their 90 days",
  departures: "hashes of people who erased themselves long enough ago",
  deletion_entries: "entries of the journal of deletions older than a year",
  expired_credits_people: "people whose expired credits are booked out",
  late_credits_people: "erased people whose payment came through afterwards",
};

export const cleanupCommand: Command = {
  name: "cleanup",
  summary: "delete what is past its time now, and count it",
  help: `${USAGE}

  --dry-run   count what would go, and change nothing
  --json      the counts for a program

The server does this by itself every hour; running it twice or beside the server is harmless. Ends with 1 when the
storage refused to delete a picture: it stays queued, nobody can read it, and the next run tries again.

Examples:
  atelier cleanup --dry-run
  atelier cleanup`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { "dry-run": "boolean", json: "boolean" } });
    const dryRun = values["dry-run"] === true;
    const report = await withContext((ctx) => cleanUp(ctx, { dryRun }));
    const refused = !dryRun && report.files_refused + report.orphans_refused > 0;
    if (values.json) printJson({ dry_run: dryRun, ...report });
    else {
      const names = Object.keys(MEANING) as Array<keyof CleanupReport>;
      print(
        table(
          [dryRun ? "would go" : "gone", "what"],
          names.map((name) => [String(report[name]).padStart(dryRun ? "would go".length : 4), MEANING[name]]),
        ),
      );
      if (refused) print("\nThe storage refused some: `atelier doctor` says whether it works.");
    }
    return refused ? 1 : 0;
  },
};
