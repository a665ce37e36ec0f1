import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField } from "../kit/fields.tsx";
import { number, seconds, shortId } from "../kit/format.ts";
import { addressOf } from "../kit/route.ts";
import { FilteredList } from "./filtered-list.tsx";
import { Mark, PersonLink, type Tone, When } from "./parts.tsx";
import { words } from "./words.ts";

export type GenerationRow = AnswerOf<typeof api.admin.generations.get>["items"][number];
type Status = GenerationRow["status"];
type Type = GenerationRow["type"];

const TONES: Readonly<Record<Status, Tone>> = {
  queued: "warn",
  submitting: "warn",
  running: "warn",
  finishing: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "quiet",
};

/** Everybody's pictures: how they ended and why not. The pictures themselves are nobody's business here. */
export function Generations() {
  const [type, setType] = useState<Type | "">("");
  return (
    <FilteredList
      section="generations"
      statuses={(Object.keys(TONES) as Status[]).map((one) => [one, words(`generation_${one}`)] as const)}
      load={(query) => answerOf(api.admin.generations.get({ query: { ...query, ...(type === "" ? {} : { type }) } }))}
      reasons={[type]}
      fields={
        <ChoiceField
          label={words("kind")}
          value={type}
          onChange={setType}
          choices={[
            ["", words("people_all")],
            ["fitting", words("fitting")],
            ["editing", words("editing")],
          ]}
        />
      }
      columns={[
        {
          title: "ID",
          cell: (row) => (
            <a href={addressOf("generations", row.id)} title={row.id}>
              {shortId(row.id)}
            </a>
          ),
        },
        { title: words("created"), cell: (row) => <When at={row.created_at} /> },
        { title: words("person"), cell: (row) => <PersonLink person={row.person} /> },
        { title: words("kind"), cell: (row) => words(row.type) },
        { title: words("state"), cell: (row) => <GenerationState generation={row} /> },
        { title: words("error"), cell: (row) => row.error },
        { title: words("credits"), cell: (row) => creditsOf(row), isNumber: true },
        { title: words("took"), cell: (row) => (row.seconds === null ? null : seconds(row.seconds)), isNumber: true },
      ]}
    />
  );
}

export const creditsOf = (row: GenerationRow): string => (row.free_action ? words("free") : number(row.credits_spent));

export function GenerationState({ generation }: { generation: GenerationRow }) {
  return <Mark tone={TONES[generation.status]}>{words(`generation_${generation.status}`)}</Mark>;
}
