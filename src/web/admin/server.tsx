import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { number } from "../kit/format.ts";
import { useLoaded } from "../kit/loading.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { Maintenance } from "./maintenance.tsx";
import { Head, Mark, PersonLink, type Tone, When } from "./parts.tsx";
import { words } from "./words.ts";

type Health = AnswerOf<typeof api.admin.health.get>;

const TONES: Readonly<Record<Health["status"], Tone>> = { ok: "good", warning: "warn", failed: "bad" };
/** Asked at its own pace: what it looks at is more than what hints name. */
const LOOK_MS = 30_000;

/** How the server is, and who may look after it. */
export function Server() {
  const health = useLoaded(() => answerOf(api.admin.health.get()), [], LOOK_MS);
  return (
    <>
      <Head title={words("server")} />
      <WhenLoaded of={health}>{(value) => <HealthOf health={value} />}</WhenLoaded>
      <Maintenance />
      {mayAct("owner") && <Operators />}
    </>
  );
}

function HealthOf({ health }: { health: Health }) {
  return (
    <>
      <p>
        <Mark tone={TONES[health.status]}>{words(`health_${health.status}`)}</Mark> atelier {health.version} ·{" "}
        <When at={health.at} />
      </p>
      <h2>{words("checks")}</h2>
      <Table
        label={words("checks")}
        rows={health.checks}
        keyOf={(row) => row.name}
        columns={[
          { title: words("name"), cell: (row) => row.name },
          {
            title: words("state"),
            cell: (row) => <Mark tone={TONES[row.status]}>{words(`health_${row.status}`)}</Mark>,
          },
          { title: words("says"), cell: (row) => row.text },
          { title: words("ms"), cell: (row) => number(row.ms), isNumber: true },
        ]}
      />
      <h2>{words("alerts")}</h2>
      <Table
        label={words("alerts")}
        empty={words("alerts_none")}
        rows={health.alerts}
        keyOf={(row) => row.id}
        columns={[
          { title: words("created"), cell: (row) => <When at={row.created_at} /> },
          {
            title: words("state"),
            cell: (row) => <Mark tone={row.level === "critical" ? "bad" : "warn"}>{row.level}</Mark>,
          },
          { title: words("reason"), cell: (row) => row.reason },
          { title: words("says"), cell: (row) => JSON.stringify(row.details) },
        ]}
      />
    </>
  );
}

function Operators() {
  const operators = useLoaded(() => answerOf(api.admin.operators.get()), []);
  return (
    <>
      <h2>{words("operators")}</h2>
      <WhenLoaded of={operators}>
        {({ items }) => (
          <Table
            label={words("operators")}
            rows={items}
            keyOf={(row) => row.person.id}
            columns={[
              { title: words("name"), cell: (row) => <PersonLink person={row.person} /> },
              { title: words("role"), cell: (row) => words(`role_${row.role}`) },
              {
                title: words("given_by"),
                cell: (row) => (row.by_setting ? "ADMIN_TELEGRAM_IDS" : "atelier user admin"),
              },
            ]}
          />
        )}
      </WhenLoaded>
    </>
  );
}
