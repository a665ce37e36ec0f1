import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { Chart } from "../kit/chart.tsx";
import { ChoiceField } from "../kit/fields.tsx";
import { day, money, month, number, percent, seconds } from "../kit/format.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { useLive } from "./live.ts";
import { Head, Tiles, When } from "./parts.tsx";
import { words } from "./words.ts";

type Figures = Omit<AnswerOf<typeof api.admin.overview.get>["days"][number], "date">;
type Period = "7" | "30" | "90" | "months";

/** How the business does, by day or by month. */
export function Overview() {
  const [period, setPeriod] = useState<Period>("30");
  return (
    <>
      <Head title={words("overview")} />
      <div class="bar">
        <ChoiceField
          label={words("period")}
          value={period}
          onChange={setPeriod}
          choices={[
            ["7", words("days", { count: 7 })],
            ["30", words("days", { count: 30 })],
            ["90", words("days", { count: 90 })],
            ["months", words("by_month")],
          ]}
        />
      </div>
      {period === "months" ? <ByMonth /> : <ByDay key={period} days={Number(period)} />}
    </>
  );
}

function ByDay({ days }: { days: number }) {
  const overview = useLive(() => answerOf(api.admin.overview.get({ query: { days } })), [days], "figures");
  return (
    <WhenLoaded of={overview}>
      {(value) => (
        <>
          <Totals now={value.totals} before={value.previous} />
          <Charts times={value.days.map(({ date }) => day(date))} rows={value.days} />
          <AsOf at={value.as_of} />
        </>
      )}
    </WhenLoaded>
  );
}

function ByMonth() {
  const overview = useLive(() => answerOf(api.admin.overview.months.get({ query: {} })), [], "figures");
  return (
    <WhenLoaded of={overview}>
      {(value) => (
        <>
          <Charts times={value.months.map((row) => month(row.month))} rows={value.months} />
          <AsOf at={value.as_of} />
        </>
      )}
    </WhenLoaded>
  );
}

function AsOf({ at }: { at: string | null }) {
  if (at === null) return null;
  return (
    <p>
      {words("as_of")} <When at={at} />
    </p>
  );
}

function Totals({ now, before }: { now: Figures; before: Figures }) {
  return (
    <>
      {now.test_kopecks > 0 && <p class="warning">{words("test_money", { amount: money(now.test_kopecks) })}</p>}
      {now.margin_kopecks < 0 && <p class="warning">{words("margin_negative")}</p>}
      <Tiles
        tiles={[
          [words("revenue"), compared(money(now.revenue_kopecks), now.revenue_kopecks, before.revenue_kopecks)],
          [words("net"), compared(money(now.net_kopecks), now.net_kopecks, before.net_kopecks)],
          [words("provider_cost"), money(now.provider_cost_kopecks)],
          [words("margin"), compared(money(now.margin_kopecks), now.margin_kopecks, before.margin_kopecks)],
          [words("tax"), money(now.tax_kopecks)],
          [words("commission"), money(now.commission_kopecks)],
          [words("actives_daily"), compared(number(now.actives), now.actives, before.actives)],
          [words("new_people"), compared(number(now.new_people), now.new_people, before.new_people)],
          [words("buyers"), number(now.buyers)],
          [words("conversion"), now.conversion_percent === null ? "—" : percent(now.conversion_percent / 100)],
          [words("pictures"), compared(number(now.pictures), now.pictures, before.pictures)],
          [words("failure_rate"), now.failure_percent === null ? "—" : percent(now.failure_percent / 100)],
          [words("seconds_p50"), now.seconds_p50 === null ? "—" : seconds(now.seconds_p50)],
          [words("seconds_p95"), now.seconds_p95 === null ? "—" : seconds(now.seconds_p95)],
        ]}
      />
    </>
  );
}

/** A number, and by how much it differs from the period before. */
function compared(text: string, now: number, before: number) {
  if (before <= 0) return text;
  const share = (now - before) / before;
  const tone = share < 0 ? "mark-bad" : "mark-good";
  return (
    <>
      {text}{" "}
      <small class={tone} title={words("than_before")}>
        {share > 0 ? "+" : ""}
        {percent(share)}
      </small>
    </>
  );
}

function Charts({ times, rows }: { times: readonly string[]; rows: readonly Figures[] }) {
  const of = (pick: (row: Figures) => number | null) => rows.map(pick);
  return (
    <div class="charts">
      <Chart
        title={words("money")}
        times={times}
        format={(kopecks) => money(Math.round(kopecks))}
        lines={[
          { label: words("revenue"), values: of((row) => row.revenue_kopecks), colour: 1 },
          { label: words("net"), values: of((row) => row.net_kopecks), colour: 2 },
          { label: words("provider_cost"), values: of((row) => row.provider_cost_kopecks), colour: 3 },
          { label: words("margin"), values: of((row) => row.margin_kopecks), colour: 4 },
        ]}
      />
      <Chart
        title={words("people")}
        times={times}
        format={number}
        lines={[
          { label: words("actives"), values: of((row) => row.actives), colour: 1 },
          { label: words("new_people"), values: of((row) => row.new_people), colour: 2 },
          { label: words("buyers"), values: of((row) => row.buyers), colour: 3 },
        ]}
      />
      <Chart
        title={words("pictures")}
        times={times}
        format={number}
        lines={[
          { label: words("pictures_made"), values: of((row) => row.pictures), colour: 1 },
          { label: words("pictures_failed"), values: of((row) => row.pictures_failed), colour: 3 },
        ]}
      />
      <Chart
        title={words("failure_rate")}
        times={times}
        format={(value) => percent(value / 100)}
        lines={[{ label: words("failure_rate"), values: of((row) => row.failure_percent), colour: 3 }]}
      />
      <Chart
        title={words("time_to_picture")}
        times={times}
        format={seconds}
        lines={[
          { label: words("seconds_p50"), values: of((row) => row.seconds_p50), colour: 1 },
          { label: words("seconds_p95"), values: of((row) => row.seconds_p95), colour: 3 },
        ]}
      />
    </div>
  );
}
