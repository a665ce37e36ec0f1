import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { money, number, percent } from "../kit/format.ts";
import { useLoaded } from "../kit/loading.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { Table } from "../kit/table.tsx";
import { useLive } from "./live.ts";
import { Head, Mark, Tiles } from "./parts.tsx";
import { words } from "./words.ts";
import { told } from "./words-codes.ts";

type Economy = AnswerOf<typeof api.admin.overview.economy.get>;
type Catalogue = AnswerOf<typeof api.admin.catalogue.get>;

/** What is sold, what one of each costs us, and what is left of it. */
export function Sales() {
  const economy = useLive(() => answerOf(api.admin.overview.economy.get({ query: {} })), [], "figures");
  const catalogue = useLoaded(() => answerOf(api.admin.catalogue.get()), []);
  return (
    <>
      <Head title={words("sales")} />
      <WhenLoaded of={economy}>{(value) => <EconomyOf economy={value} />}</WhenLoaded>
      <h2>{words("catalogue")}</h2>
      <WhenLoaded of={catalogue}>{(value) => <CatalogueOf catalogue={value} />}</WhenLoaded>
    </>
  );
}

const moneyOrNot = (kopecks: number | null): string => (kopecks === null ? "—" : money(Math.round(kopecks)));

function EconomyOf({ economy }: { economy: Economy }) {
  const losing = economy.products.filter(({ negative }) => negative).map(({ product }) => product);
  return (
    <>
      {losing.length > 0 && <p class="warning">{words("loses", { products: losing.join(", ") })}</p>}
      <Tiles
        tiles={[
          [words("credit_cost"), moneyOrNot(economy.credit_cost_kopecks)],
          [words("free_cost"), money(economy.free_cost_kopecks)],
        ]}
      />
      <h2>{words("products")}</h2>
      <Table
        label={words("products")}
        rows={economy.products}
        keyOf={(row) => row.product}
        columns={[
          { title: words("product"), cell: (row) => row.product },
          { title: words("price"), cell: (row) => moneyOrNot(row.price_kopecks), isNumber: true },
          { title: words("sold"), cell: (row) => number(row.sales), isNumber: true },
          { title: words("revenue"), cell: (row) => money(row.revenue_kopecks), isNumber: true },
          { title: words("net"), cell: (row) => money(row.net_kopecks), isNumber: true },
          { title: words("cost_if_used"), cell: (row) => moneyOrNot(row.cost_if_all_used_kopecks), isNumber: true },
          {
            title: words("margin"),
            cell: (row) => (
              <span>
                {moneyOrNot(row.margin_kopecks)}{" "}
                {row.margin_percent !== null && (
                  <Mark tone={row.negative ? "bad" : "good"}>{percent(row.margin_percent / 100)}</Mark>
                )}
              </span>
            ),
            isNumber: true,
          },
        ]}
      />
      <h2>{words("actions")}</h2>
      <Table
        label={words("actions")}
        rows={economy.actions}
        keyOf={(row) => row.action}
        columns={[
          { title: words("action"), cell: (row) => told(row.action) },
          { title: words("done_times"), cell: (row) => number(row.actions), isNumber: true },
          { title: words("credits"), cell: (row) => number(row.credits), isNumber: true },
          { title: words("spent"), cell: (row) => money(row.cost_kopecks), isNumber: true },
          { title: words("cost_each"), cell: (row) => moneyOrNot(row.cost_each_kopecks), isNumber: true },
          {
            title: words("paid_by"),
            cell: (row) => row.paid_by.map((part) => `${words(`paid_by_${part.paid_by}`)} ${part.actions}`).join(", "),
          },
        ]}
      />
    </>
  );
}

function CatalogueOf({ catalogue }: { catalogue: Catalogue }) {
  return (
    <>
      {!catalogue.shop && <p class="warning">{words("no_shop")}</p>}
      <Table
        label={words("catalogue")}
        rows={[...catalogue.packs, ...catalogue.plans]}
        keyOf={(row) => row.key}
        columns={[
          { title: words("product"), cell: (row) => row.key },
          { title: words("credits"), cell: (row) => number(row.credits), isNumber: true },
          { title: words("price"), cell: (row) => money(row.price_kopecks), isNumber: true },
        ]}
      />
      <p>
        {catalogue.actions.map(({ key, credits }) => `${told(key)}: ${credits}`).join(" · ")} · {words("free_actions")}:{" "}
        {catalogue.free_actions_per_month}
      </p>
    </>
  );
}
