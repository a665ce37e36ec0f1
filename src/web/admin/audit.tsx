import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { addressOf } from "../kit/route.ts";
import { PagedTable } from "../kit/table.tsx";
import { useLivePages } from "./live.ts";
import { Head, PersonLink, When } from "./parts.tsx";
import { words } from "./words.ts";
import { told } from "./words-codes.ts";

type Row = AnswerOf<typeof api.admin.audit.get>["items"][number];

const SECTION_OF: Readonly<Partial<Record<Row["subject"], string>>> = {
  person: "people",
  payment: "payments",
  generation: "generations",
  broadcast: "broadcasts",
};

/** Who changed what, and why. */
export function Audit() {
  const pages = useLivePages(
    (cursor) => answerOf(api.admin.audit.get({ query: cursor === undefined ? {} : { cursor } })),
    [],
    "audit",
  );
  return (
    <>
      <Head title={words("audit")} />
      <PagedTable
        label={words("audit")}
        pages={pages}
        keyOf={(row) => row.id}
        columns={[
          { title: words("created"), cell: (row) => <When at={row.created_at} /> },
          {
            title: words("operator"),
            cell: (row) => (row.operator === null ? words("at_server") : <PersonLink person={row.operator} />),
          },
          { title: words("action"), cell: (row) => <SubjectLink row={row} /> },
          { title: words("person"), cell: (row) => row.person && <PersonLink person={row.person} /> },
          { title: words("reason"), cell: (row) => row.reason },
          { title: words("change"), cell: (row) => changeOf(row) },
        ]}
      />
    </>
  );
}

function SubjectLink({ row }: { row: Row }) {
  const section = SECTION_OF[row.subject];
  if (section === undefined || row.subject_id === null) return told(row.action);
  return <a href={addressOf(section, row.subject_id)}>{told(row.action)}</a>;
}

/** `balance: 10 → 30`, or the facts of what was done. */
function changeOf({ before, after }: Row): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .filter((name) => before?.[name] !== after?.[name])
    .map((name) => {
      const [old, now] = [before?.[name], after?.[name]];
      return old === undefined || old === null ? `${name}: ${now}` : `${name}: ${old} → ${now ?? "—"}`;
    })
    .join(", ");
}
