import type { JsonSchema } from "../providers/openrouter/wire.ts";

interface Strength {
  title: string;
  prompt: (wish: string) => string;
  change: string;
}

interface Phrases {
  noWish: string;
  reply: (wish: string) => string;
  sentence: (wish: string) => string;
  refusal: string;
  kept: string;
  strengths: readonly [Strength, Strength, Strength];
}

const ENGLISH: Phrases = {
  noWish: "improve the light and the colours",
  reply: (wish) => `Three ways to do it: ${wish}. Pick the strength you like.`,
  sentence: (wish) => `You asked: ${wish}. Tell me more and I will put it into words for the picture.`,
  refusal: "I'm sorry, but I can't help with that.",
  kept: "face, pose and background stay the same",
  strengths: [
    {
      title: "Subtle",
      prompt: (wish) =>
        `Edit the photo gently: ${wish}. Keep the change subtle and natural. Leave face, pose and background exactly as they are.`,
      change: "a light, barely visible touch",
    },
    {
      title: "Clear",
      prompt: (wish) =>
        `Edit the photo: ${wish}. Make the change clearly visible and realistic. Leave face, pose and background exactly as they are.`,
      change: "clearly visible, realistic",
    },
    {
      title: "Bold",
      prompt: (wish) =>
        `Edit the photo boldly: ${wish}. Make the change striking, with rich colour and strong contrast. Leave face and pose exactly as they are.`,
      change: "striking, rich in colour",
    },
  ],
};

const RUSSIAN: Phrases = {
  noWish: "улучши свет и цвета",
  reply: (wish) => `Три варианта на выбор: ${wish}. Выберите силу изменения.`,
  sentence: (wish) => `Вы попросили: ${wish}. Расскажите подробнее, и я опишу это для картинки.`,
  refusal: "Извините, с этим я помочь не могу.",
  kept: "лицо, поза и фон без изменений",
  strengths: [
    {
      title: "Мягко",
      prompt: (wish) =>
        `Измени фото деликатно: ${wish}. Пусть изменение будет лёгким и естественным. Лицо, поза и фон остаются точно такими же.`,
      change: "лёгкое, едва заметное изменение",
    },
    {
      title: "Заметно",
      prompt: (wish) =>
        `Измени фото: ${wish}. Изменение хорошо заметно и реалистично. Лицо, поза и фон остаются точно такими же.`,
      change: "хорошо заметно и реалистично",
    },
    {
      title: "Смело",
      prompt: (wish) =>
        `Измени фото смело: ${wish}. Изменение яркое, насыщенный цвет, сильный контраст. Лицо и поза остаются точно такими же.`,
      change: "ярко, насыщенный цвет",
    },
  ],
};

const VARIANT_COUNT = 3;
const LIST_COUNT = 3;
const TITLE_WORDS_MAX = 3;
const TITLE_CHARACTERS_MAX = 60;
/** Schemas that contain themselves end here. */
const DEPTH_MAX = 8;
const CHANGE_CHARACTERS_MAX = 80;

/** The phrases in the language of the wish: Russian where there is a Cyrillic letter. */
export function phrasesFor(wish: string): Phrases {
  return /\p{Script=Cyrillic}/u.test(wish) ? RUSSIAN : ENGLISH;
}

/** An answer without a schema. */
export function plainSentence(wish: string): string {
  const phrases = phrasesFor(wish);
  return phrases.sentence(trimmed(wish) || phrases.noWish);
}

/** A value of the schema, made of the wish: three variants of different strength where it asks for such. */
export function fillSchema(schema: JsonSchema, wish: string, variantCount = VARIANT_COUNT): unknown {
  const phrases = phrasesFor(wish);
  const place = { root: schema, phrases, wish: trimmed(wish) || phrases.noWish, variantCount };
  return fill(schema, { ...place, key: "", places: [], depth: 0 });
}

interface Place {
  root: JsonSchema;
  phrases: Phrases;
  wish: string;
  variantCount: number;
  /** The property that is filled, or whose list is. */
  key: string;
  /** The places in the lists around it, the outermost first. */
  places: readonly number[];
  depth: number;
}

function fill(schema: unknown, around: Place): unknown {
  const place = { ...around, depth: around.depth + 1 };
  const given = resolved(schema, place.root);
  if (place.depth > DEPTH_MAX) return null;
  if ("const" in given) return given.const;
  if (Array.isArray(given.enum)) return given.enum[0];
  const choices = given.anyOf ?? given.oneOf ?? given.allOf;
  if (Array.isArray(choices))
    return fill(
      choices.find((choice) => resolved(choice, place.root).type !== "null"),
      place,
    );
  switch (typeOf(given)) {
    case "object":
      return Object.fromEntries(
        Object.entries(record(given.properties)).map(([key, value]) => [key, fill(value, { ...place, key })]),
      );
    case "array":
      return Array.from({ length: countOf(given, place) }, (_, index) =>
        fill(given.items, { ...place, places: [...place.places, index] }),
      );
    case "number":
    case "integer":
      return typeof given.minimum === "number" ? given.minimum : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return phraseFor(place).slice(0, typeof given.maxLength === "number" ? given.maxLength : undefined);
  }
}

function phraseFor({ key, places, phrases, wish }: Place): string {
  const strength = phrases.strengths[(places[0] ?? 0) % phrases.strengths.length] ?? phrases.strengths[0];
  if (key === "title") {
    return `${strength.title}: ${wish.split(" ").slice(0, TITLE_WORDS_MAX).join(" ")}`.slice(0, TITLE_CHARACTERS_MAX);
  }
  if (key === "prompt") return strength.prompt(wish);
  if (key === "changes") {
    return [wish.slice(0, CHANGE_CHARACTERS_MAX), strength.change, phrases.kept][(places[1] ?? 0) % LIST_COUNT] ?? wish;
  }
  return key === "reply" ? phrases.reply(wish) : wish;
}

function countOf(schema: Record<string, unknown>, { key, variantCount }: Place): number {
  const wanted = key === "variants" ? variantCount : LIST_COUNT;
  const least = typeof schema.minItems === "number" ? schema.minItems : 0;
  const most = typeof schema.maxItems === "number" ? schema.maxItems : wanted;
  return Math.max(least, Math.min(most, wanted));
}

function typeOf(schema: Record<string, unknown>): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return type.find((one) => one !== "null");
  return type ?? ("properties" in schema ? "object" : "items" in schema ? "array" : undefined);
}

function resolved(schema: unknown, root: JsonSchema): Record<string, unknown> {
  const given = record(schema);
  if (typeof given.$ref !== "string") return given;
  let target: unknown = root;
  for (const step of given.$ref.replace(/^#\/?/, "").split("/")) target = record(target)[step];
  return record(target);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Without the stop at its end, as it goes into the middle of sentences. */
function trimmed(wish: string): string {
  return wish.replace(/[.!?\s]+$/, "");
}
