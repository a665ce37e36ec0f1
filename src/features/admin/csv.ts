/** A cell of a CSV (RFC 4180), quoted where it has to be, and never a formula: spreadsheets run what begins with = + - @. */
export function csvCell(value: string | number | boolean | null): string {
  // A number of ours may be negative; only texts can be made to look like a formula.
  const text = value === null ? "" : String(value);
  const plain = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

type Cells = readonly (string | number | boolean | null)[];

/** One line with its end. */
export function csvLine(cells: Cells): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/**
 * A CSV as it is read, a page at a time: `next` gives the rows behind the last one it gave, and none at the end. Nothing but
 * a page is in memory, and a reader that goes away ends the reading.
 */
export function csvStream<Row>(
  heading: readonly string[],
  next: (last: Row | null) => Promise<readonly Row[]>,
  cellsOf: (row: Row) => Cells,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last: Row | null = null;
  return new ReadableStream({
    start(controller) {
      // With a byte order mark, so that spreadsheets read Cyrillic as what it is.
      controller.enqueue(encoder.encode(`\uFEFF${csvLine(heading)}`));
    },
    async pull(controller) {
      const rows = await next(last);
      last = rows.at(-1) ?? null;
      if (last === null) controller.close();
      else controller.enqueue(encoder.encode(rows.map((row) => csvLine(cellsOf(row))).join("")));
    },
  });
}

/** The answer that carries it. */
export function csvAnswer(stream: ReadableStream<Uint8Array>, fileName: string, requestId: string): Response {
  return new Response(stream, {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${fileName}"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-request-id": requestId,
    },
  });
}

/** How the API's description tells of it. */
export const CSV_RESPONSES = {
  200: {
    description: "The CSV, streamed.",
    headers: {
      "Content-Disposition": {
        description: "`attachment`, with the file's name.",
        schema: { type: "string" as const },
        example: 'attachment; filename="payments.csv"',
      },
    },
    content: { "text/csv": {} },
  },
};
