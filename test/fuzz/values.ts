/** Random values: ones that a schema takes, and ones that nobody should have to take. */

export type Schema = Record<string, unknown>;

/** The chances of a run, all from one seed. */
export interface Chance {
  /** From 0 up to 1. */
  number(): number;
  /** True so often, of 1. */
  isOnce(share: number): boolean;
  /** Whole, from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  oneOf<Item>(items: readonly Item[]): Item;
}

export function chanceOf(random: () => number): Chance {
  const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    number: random,
    isOnce: (share) => random() < share,
    whole,
    oneOf(items) {
      const chosen = items[whole(0, items.length - 1)];
      if (chosen === undefined) throw new Error("there is nothing to choose from");
      return chosen;
    },
  };
}

const HUGE_CHARACTERS = 20_000;

/** Texts that broke programs before: at the limits of text, of numbers in text, of databases, of pages, of paths. */
export const HOSTILE_TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "\uffff",
  "\u202ereversed",
  "\u0301".repeat(500),
  "👩🏽‍🚀".repeat(300),
  "İıŞ",
  "ß".repeat(3_000),
  "0",
  "-0",
  "-1",
  "1e309",
  "0x10",
  "9007199254740993",
  "99999999999999999999999999",
  "NaN",
  "Infinity",
  "true",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "' or 1=1 --",
  '"; drop table users; --',
  "%27%20or%201=1",
  "\\'; select pg_sleep(9); --",
  "%",
  "_%_%",
  "{{7*7}}#{7*7}",
  "<script>alert(1)</script>",
  "../../../../etc/passwd",
  "..\\..\\windows",
  "file:///etc/passwd",
  "http://169.254.169.254/latest",
  "javascript:alert(1)",
  "\r\nSet-Cookie: a=b",
  "2026-02-30",
  "2026-13",
  "0000-00-00",
  "+275760-09-13T00:00:00.000Z",
  "00000000-0000-0000-0000-000000000000",
  "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
  "0199A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B",
  "x".repeat(HUGE_CHARACTERS),
];

export const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.1,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  { length: 1e9 },
  { toString: 1 },
  Array(2_000).fill(0),
  nested(200),
];

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
}

export function hostileValue(chance: Chance): unknown {
  return chance.isOnce(0.5) ? chance.oneOf(HOSTILE_TEXTS) : chance.oneOf(HOSTILE_VALUES);
}

export interface ValueSource {
  chance: Chance;
  resolve(reference: string): Schema;
  /** Ids of things that exist, somebody's or other people's. */
  ids: readonly string[];
}

/** A value that the schema takes, as far as the schema says; at its limits rather than in their midst. */
export function valueFor(schema: Schema, source: ValueSource): unknown {
  const { chance, resolve, ids } = source;
  if (typeof schema.$ref === "string") return valueFor(resolve(schema.$ref), source);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return chance.oneOf(schema.enum);
  if (Array.isArray(schema.anyOf)) return valueFor(chance.oneOf(schema.anyOf as Schema[]), source);
  switch ([schema.type].flat()[0]) {
    case "object":
      return objectFor(schema, source);
    case "array":
      return Array.from({ length: chance.whole(0, 3) }, () => valueFor((schema.items ?? {}) as Schema, source));
    case "integer":
    case "number":
      return numberFor(schema, chance);
    case "boolean":
      return chance.isOnce(0.5);
    case "null":
      return null;
    default:
      return textFor(schema, chance, ids);
  }
}

function objectFor(schema: Schema, source: ValueSource): Record<string, unknown> {
  const required = new Set((schema.required ?? []) as string[]);
  const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  return Object.fromEntries(
    members
      .filter(([name]) => required.has(name) || source.chance.isOnce(0.6))
      .map(([name, inner]) => [name, valueFor(inner, source)]),
  );
}

function numberFor(schema: Schema, chance: Chance): number {
  const least = Number(schema.minimum ?? -1_000);
  const most = Number(schema.maximum ?? 1_000_000);
  return chance.oneOf([least, most, chance.whole(least, Math.min(most, least + 1_000))]);
}

function textFor(schema: Schema, chance: Chance, ids: readonly string[]): string {
  const least = Number(schema.minLength ?? 0);
  const most = Number(schema.maxLength ?? 200);
  const [example] = (schema.examples ?? []) as string[];
  const isId = most === 64 || /UUID/.test(String(schema.description ?? ""));
  if (isId && chance.isOnce(0.8)) return chance.oneOf(ids);
  if (schema.pattern !== undefined && example !== undefined) return example;
  if (example !== undefined && chance.isOnce(0.4)) return example;
  return "é".repeat(chance.oneOf([least, most, chance.whole(least, Math.min(most, least + 40))]));
}

/** The value with one thing wrong: a member gone, a stranger among them, another type, a limit overstepped. */
export function spoiled(value: unknown, chance: Chance): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || chance.isOnce(0.15)) {
    return typeof value === "string" && chance.isOnce(0.3) ? value.repeat(50) : hostileValue(chance);
  }
  const members = Object.entries(value);
  if (members.length === 0 || chance.isOnce(0.2))
    return { ...value, [chance.oneOf(HOSTILE_TEXTS)]: hostileValue(chance) };
  const [name, inner] = chance.oneOf(members);
  if (chance.isOnce(0.25)) return Object.fromEntries(members.filter(([other]) => other !== name));
  return { ...value, [name]: spoiled(inner, chance) };
}
