import { makeZip } from "client-zip";
import { and, asc, type Column, eq, getTableColumns, gt, isNull, or, type SQL } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { files, type StoredFile } from "../photos/index.ts";
import { nameOf, type PersonalTable, personalTables, shownColumns } from "./personal-tables.ts";

type Needs = Pick<Context, "db" | "clock" | "storage">;

/** Rows and files read in one go; what is in memory at once. */
const PAGE_SIZE = 200;

/** What `contents.json`, the last entry of an export, says of the others. */
interface Contents {
  exported_at: string;
  user_id: string;
  /** Rows by table; each table is `data/<table>.json`, an array. */
  tables: Record<string, number>;
  /** Pictures in `files/`, each under its id in `data/files.json`. */
  files: number;
  /** Pictures that are not in here, by the reason. */
  files_left_out: { past_their_time: number; clean_copies_of_watermarked_results: number; missing: number };
}

/**
 * Everything that is stored about a person, as a zip that is made while it is read: a page of rows or a piece of a
 * picture at a time, and no faster than the reader takes it.
 *
 * Of the pictures it holds what the person may see: no clean copy of a result that carries a watermark. Rows are read page
 * by page and not as of one moment; what changes meanwhile may stand in it as before or as after.
 */
export function exportPerson(ctx: Needs, userId: string): ReadableStream<Uint8Array> {
  return endingQuietly(makeZip(entries(ctx, userId)));
}

/**
 * The stream, whose end by its reader is no fault: the zip's own stream passes the reader's reason on as an error that nobody
 * holds, so that each person who closes the page in mid-download would be reported as a fault of ours.
 */
function endingQuietly(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason).catch(() => undefined),
    },
    { highWaterMark: 0 },
  );
}

interface Entry {
  name: string;
  lastModified: Date;
  input: AsyncIterable<string> | ReadableStream<Uint8Array> | string;
}

async function* entries(ctx: Needs, userId: string): AsyncGenerator<Entry> {
  const lastModified = ctx.clock.now();
  const contents: Contents = {
    exported_at: lastModified.toISOString(),
    user_id: userId,
    tables: {},
    files: 0,
    files_left_out: { past_their_time: 0, clean_copies_of_watermarked_results: 0, missing: 0 },
  };
  for (const table of personalTables) {
    const input = rowsAsJson(ctx, table, userId, (rows) => {
      contents.tables[nameOf(table)] = rows;
    });
    yield { name: `data/${nameOf(table)}.json`, lastModified, input };
  }
  for await (const file of pictures(ctx, userId, contents)) {
    const stored = await ctx.storage.read(file.storageKey);
    if (!stored) {
      contents.files_left_out.missing += 1;
      continue;
    }
    contents.files += 1;
    yield { name: `files/${file.id}.jpg`, lastModified: file.createdAt, input: stored.stream() };
  }
  yield { name: "contents.json", lastModified, input: JSON.stringify(contents, null, 2) };
}

/** The pictures that the person may see, each looked at when its turn comes: an erasure or a deadline may come between. */
async function* pictures(ctx: Needs, userId: string, contents: Contents): AsyncGenerator<StoredFile> {
  let lastId: string | null = null;
  for (;;) {
    const page: StoredFile[] = await ctx.db
      .select()
      .from(files)
      .where(and(eq(files.userId, userId), isNull(files.deletedAt), lastId === null ? undefined : gt(files.id, lastId)))
      .orderBy(asc(files.id))
      .limit(PAGE_SIZE);
    for (const { id } of page) {
      const [file] = await ctx.db.select().from(files).where(eq(files.id, id));
      if (!file || file.deletedAt !== null || file.expiresAt <= ctx.clock.now()) {
        contents.files_left_out.past_their_time += 1;
      } else if (!file.viewable) contents.files_left_out.clean_copies_of_watermarked_results += 1;
      else yield file;
    }
    if (page.length < PAGE_SIZE) return;
    lastId = page.at(-1)?.id ?? null;
  }
}

/** A table's rows of the person as a JSON array, a page at a time; columns as the database calls them. */
async function* rowsAsJson(
  ctx: Pick<Context, "db">,
  entry: PersonalTable,
  userId: string,
  counted: (rows: number) => void,
): AsyncGenerator<string> {
  const columns = shownColumns(entry);
  const keys = keysOf(entry);
  let last: Record<string, unknown> | null = null;
  let rows = 0;
  let text = "[";
  for (;;) {
    const page: Record<string, unknown>[] = await ctx.db
      .select()
      .from(entry.table as never)
      .where(and(entry.of(userId), last === null ? undefined : behind(entry.order, keys, last)))
      .orderBy(...entry.order.map((column) => asc(column)))
      .limit(PAGE_SIZE);
    for (const row of page) {
      text += `${rows === 0 ? "\n" : ",\n"}${JSON.stringify(shown(row, columns))}`;
      rows += 1;
    }
    last = page.at(-1) ?? null;
    if (page.length < PAGE_SIZE) break;
    yield text;
    text = "";
  }
  counted(rows);
  yield `${text}\n]\n`;
}

function shown(row: Record<string, unknown>, columns: readonly [key: string, name: string][]) {
  return Object.fromEntries(columns.map(([key, name]) => [name, row[key]]));
}

/** How the code calls the columns of the order. */
function keysOf(entry: PersonalTable): string[] {
  const all = Object.entries(getTableColumns(entry.table));
  return entry.order.map((column) => all.find(([, one]) => one === column)?.[0] ?? "");
}

/** Rows after this one in the order of the columns. */
function behind(order: readonly Column[], keys: readonly string[], last: Record<string, unknown>): SQL | undefined {
  return or(
    ...order.map((column, place) =>
      and(
        ...order.slice(0, place).map((earlier, index) => eq(earlier, last[keys[index] ?? ""])),
        gt(column, last[keys[place] ?? ""]),
      ),
    ),
  );
}
