import type { AnswerOf, api } from "../kit/api.ts";
import { money, number, percent } from "../kit/format.ts";
import { Tiles } from "./parts.tsx";
import { words } from "./words.ts";

type Month = AnswerOf<typeof api.admin.tax.get>;

/** What a month comes to, what waits, and how near the limits are. */
export function TaxSums({ month }: { month: Month }) {
  const { sums, waiting } = month;
  return (
    <>
      {waiting.to_register + waiting.to_annul > 0 && (
        <p class="warning">
          {[
            waiting.to_register > 0 && words("tax_to_register", { count: waiting.to_register }),
            waiting.to_annul > 0 && words("tax_to_annul", { count: waiting.to_annul }),
            month.connector && words("tax_connector"),
          ]
            .filter((part) => part !== false)
            .join(" · ")}
        </p>
      )}
      <Tiles
        tiles={[
          [words("sales_count"), number(sums.sales)],
          [words("paid_sum"), money(sums.paid_kopecks)],
          [words("refunded"), money(sums.refunded_kopecks)],
          [words("tax_base"), money(sums.base_kopecks)],
          [words("tax_estimate"), money(sums.tax_kopecks)],
          [words("commission"), money(sums.commission_kopecks)],
          [words("net"), money(sums.net_kopecks)],
        ]}
      />
      <div class="meters">
        {month.meters.map((meter) => (
          <Meter key={meter.name} meter={meter} />
        ))}
      </div>
    </>
  );
}

function Meter({ meter }: { meter: Month["meters"][number] }) {
  const label = `${words(`meter_${meter.name}`)} · ${meter.period}`;
  if (meter.limit_kopecks === 0) return null;
  return (
    <div class="tile">
      <p>
        {label}: {money(meter.kopecks)} / {money(meter.limit_kopecks)} ({percent(meter.percent / 100)})
      </p>
      <meter
        class="meter"
        aria-label={label}
        min={0}
        max={meter.limit_kopecks}
        high={meter.limit_kopecks * 0.8}
        optimum={0}
        value={meter.kopecks}
      />
    </div>
  );
}
