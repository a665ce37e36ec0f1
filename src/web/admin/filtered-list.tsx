import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { PanelTopic } from "../../client.ts";
import { ChoiceField, TextField } from "../kit/fields.tsx";
import { type Column, PagedTable } from "../kit/table.tsx";
import { useLivePages } from "./live.ts";
import { Head } from "./parts.tsx";
import { words } from "./words.ts";

/** What the server is asked for; what is left out narrows nothing. */
export interface ListQuery<Status extends string> {
  status?: Status;
  from?: string;
  to?: string;
}

interface FilteredListProps<Row extends { id: string }, Status extends string> {
  /** The section's name, which is also what its hints are called. */
  section: "payments" | "generations";
  statuses: readonly (readonly [status: Status, text: string])[];
  load: (query: ListQuery<Status> & { cursor?: string }) => Promise<{ items: Row[]; next_cursor: string | null }>;
  /** What else `load` depends on, and the fields for it. */
  reasons?: readonly unknown[];
  fields?: ComponentChildren;
  /** What can be done with the list as it is narrowed now. */
  deeds?: (query: ListQuery<Status>) => ComponentChildren;
  /** Stands between the heading and the filters. */
  children?: ComponentChildren;
  columns: readonly Column<Row>[];
}

/** A list narrowed by state and days, the newest first; it follows what happens. */
export function FilteredList<Row extends { id: string }, Status extends string>({
  section,
  statuses,
  load,
  reasons = [],
  fields,
  deeds,
  children,
  columns,
}: FilteredListProps<Row, Status>) {
  const [status, setStatus] = useState<Status | "">("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const query: ListQuery<Status> = {
    ...(status === "" ? {} : { status }),
    ...(from === "" ? {} : { from }),
    ...(to === "" ? {} : { to }),
  };
  const topic: PanelTopic = section;
  const pages = useLivePages(
    (cursor) => load({ ...query, ...(cursor === undefined ? {} : { cursor }) }),
    [status, from, to, ...reasons],
    topic,
  );
  return (
    <>
      <Head title={words(section)}>{deeds?.(query)}</Head>
      {children}
      <div class="bar">
        <ChoiceField
          label={words("state")}
          value={status}
          onChange={setStatus}
          choices={[["", words("people_all")] as const, ...statuses]}
        />
        {fields}
        <TextField label={words("from")} type="date" value={from} onChange={setFrom} />
        <TextField label={words("to")} type="date" value={to} onChange={setTo} />
      </div>
      <PagedTable label={words(section)} pages={pages} keyOf={(row) => row.id} columns={columns} />
    </>
  );
}
