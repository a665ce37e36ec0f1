import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { common } from "./common-words.ts";
import type { Pages } from "./loading.ts";
import { Nothing, WhenLoaded } from "./states.tsx";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  isNumber?: boolean;
}

interface TableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  /** What is said where there is no row. */
  empty?: string;
}

/** Rows beside each other at a desk; on a phone each row is a card whose cells carry their column's name. */
export function Table<Row>({ label, rows, columns, keyOf, empty }: TableProps<Row>) {
  if (rows.length === 0) return <Nothing {...(empty === undefined ? {} : { text: empty })} />;
  return (
    <table class="table" aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ title, isNumber }) => (
            <th key={title} scope="col" class={isNumber ? "number" : ""}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ title, cell, isNumber }) => (
              <td key={title} data-label={title} class={isNumber ? "number" : ""}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A list that grows by pages. */
export function PagedTable<Row>({ pages, ...table }: Omit<TableProps<Row>, "rows"> & { pages: Pages<Row> }) {
  return (
    <WhenLoaded of={pages}>
      {(rows) => (
        <>
          <Table {...table} rows={rows} />
          {pages.hasMore && (
            <div class="more">
              <Button size="s" mode="bezeled" loading={pages.isLoading} onClick={pages.more}>
                {common("more")}
              </Button>
            </div>
          )}
        </>
      )}
    </WhenLoaded>
  );
}
