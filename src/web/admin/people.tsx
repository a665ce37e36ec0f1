import { useEffect, useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField, TextField } from "../kit/fields.tsx";
import { number } from "../kit/format.ts";
import { usePages } from "../kit/loading.ts";
import { PagedTable } from "../kit/table.tsx";
import { Head, Mark, PersonLink, When } from "./parts.tsx";
import { words } from "./words.ts";

export type PersonRow = AnswerOf<typeof api.admin.people.get>["items"][number];
type Only = "" | "banned" | "subscribed";

/** Letters come faster than answers: the list waits until the typing rests. */
const TYPING_MS = 250;

export function People() {
  const [typed, setTyped] = useState("");
  const [only, setOnly] = useState<Only>("");
  const search = useResting(typed.trim());
  const pages = usePages(
    (cursor) =>
      answerOf(
        api.admin.people.get({
          query: {
            ...(search === "" ? {} : { search }),
            // The server takes one or the other.
            ...(only === "" || search !== "" ? {} : { only }),
            ...(cursor === undefined ? {} : { cursor }),
          },
        }),
      ),
    [search, only],
  );
  return (
    <>
      <Head title={words("people")} />
      <div class="bar">
        <TextField
          label={words("search")}
          hint={words("search_hint")}
          type="search"
          value={typed}
          maxLength={64}
          onChange={setTyped}
        />
        <ChoiceField
          label={words("show")}
          value={only}
          onChange={setOnly}
          choices={[
            ["", words("people_all")],
            ["subscribed", words("people_subscribed")],
            ["banned", words("people_banned")],
          ]}
        />
      </div>
      <PagedTable
        label={words("people")}
        pages={pages}
        empty={words("people_none")}
        keyOf={(row) => row.id}
        columns={[
          { title: words("name"), cell: (row) => <PersonLink person={row} /> },
          { title: words("username"), cell: (row) => (row.username ? `@${row.username}` : null) },
          { title: "Telegram", cell: (row) => row.telegram_id, isNumber: true },
          { title: words("credits"), cell: (row) => number(row.credits), isNumber: true },
          { title: words("plan"), cell: (row) => row.subscription_type },
          { title: words("state"), cell: (row) => <PersonState person={row} /> },
          { title: words("since"), cell: (row) => <When at={row.created_at} /> },
        ]}
      />
    </>
  );
}

export function PersonState({ person }: { person: PersonRow }) {
  if (person.erased_at !== null) return <Mark tone="quiet">{words("erased")}</Mark>;
  if (person.banned_at !== null) return <Mark tone="bad">{words("banned")}</Mark>;
  return <Mark tone="good">{words("active")}</Mark>;
}

function useResting(value: string): string {
  const [resting, setResting] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setResting(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return resting;
}
