import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { OperatorError } from "../errors.ts";
import embedded from "./catalogue.default.json";

/** What a person can do that costs something. */
export const ACTIONS = ["fitting", "chat_turn", "edit_generation"] as const;
export type Action = (typeof ACTIONS)[number];

const Price = Type.Integer({ minimum: 1, maximum: 100_000_000 });
const Credits = Type.Integer({ minimum: 1, maximum: 100_000 });
const closed = { additionalProperties: false };

const CatalogueSchema = Type.Object(
  {
    actions: Type.Object({ fitting: Credits, chat_turn: Credits, edit_generation: Credits }, closed),
    packs: Type.Array(
      Type.Object(
        { key: Type.String({ pattern: "^pack_[a-z0-9_]{1,32}$" }), credits: Credits, price_kopecks: Price },
        closed,
      ),
      { maxItems: 50 },
    ),
    plans: Type.Array(
      Type.Object(
        {
          key: Type.Union([Type.Literal("basic"), Type.Literal("pro"), Type.Literal("premium")]),
          credits: Credits,
          price_kopecks: Price,
        },
        closed,
      ),
      { maxItems: 3 },
    ),
  },
  closed,
);

/** Prices of actions in credits, and what is sold in kopecks. */
export type Catalogue = Static<typeof CatalogueSchema>;

/** The catalogue of `CATALOGUE_FILE`, or the embedded one. Throws an `OperatorError` that names each fault. */
export async function loadCatalogue(file: string): Promise<Catalogue> {
  if (file === "") return checkCatalogue(embedded, "the embedded catalogue");
  let parsed: unknown;
  try {
    parsed = await Bun.file(file).json();
  } catch (error) {
    throw new OperatorError(`CATALOGUE_FILE ${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  return checkCatalogue(parsed, file);
}

function checkCatalogue(value: unknown, name: string): Catalogue {
  const faults = [...Value.Errors(CatalogueSchema, value)].map((fault) => `${fault.path || "/"}: ${fault.message}`);
  if (!Value.Check(CatalogueSchema, value))
    throw new OperatorError(`${name} is not right:\n  - ${faults.join("\n  - ")}`);
  const keys = [...value.packs, ...value.plans].map((product) => product.key);
  if (new Set(keys).size !== keys.length) throw new OperatorError(`${name} names a product twice`);
  return value;
}
