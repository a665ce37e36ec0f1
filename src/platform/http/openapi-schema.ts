import { invariant } from "../errors.ts";

/** A JSON Schema (2020-12, which OpenAPI 3.1 uses) or one of Elysia's, as plain JSON. */
export type JsonSchema = { [keyword: string]: unknown };

/** Schemas by name, as they stand under `components`. */
export type NamedSchemas = Record<string, JsonSchema>;

/** What Elysia adds so that texts of a query are taken for numbers and the like; on the wire it is the other variant. */
const TEXT_TAKEN_FOR = new Set(["integer", "numeric", "boolean", "ObjectString", "ArrayString"]);
/** Keywords of Elysia's that JSON Schema does not know. */
const FOREIGN_KEYWORDS = ["nullable", "error", "noValidate", "transform"];
const ANY_NAME = "^(.*)$";
const COMPONENT_NAME = /^[A-Z][A-Za-z0-9]*$/;

/** Whether a value read from JSON is an object with members. */
export function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema in valid JSON Schema: what Elysia writes in dialects of its own is said in the standard's words. */
export function plainSchema(schema: JsonSchema): JsonSchema {
  const plain = mapSubschemas(without(schema, FOREIGN_KEYWORDS), plainSchema);
  return withPlainNames(withPlainVariants(plain));
}

/**
 * Moves every schema with a `title` that can be a name (`Generation`) into `components` and leaves a reference. Two
 * different schemas under one name are a bug.
 */
export function hoistNamed(schema: JsonSchema, components: NamedSchemas): JsonSchema {
  const inner = mapSubschemas(schema, (part) => hoistNamed(part, components));
  const name = inner.title;
  if (typeof name !== "string" || !COMPONENT_NAME.test(name)) return inner;
  const known = components[name];
  invariant(!known || Bun.deepEquals(known, inner), `there are two different schemas with the title ${name}`);
  components[name] = inner;
  return { $ref: `#/components/schemas/${name}` };
}

/** A value that the schema allows: its own example if it has one, otherwise put together from those of its parts. */
export function exampleOf(schema: JsonSchema, components: NamedSchemas): unknown {
  const reference = schema.$ref;
  if (typeof reference === "string") return exampleOf(components[reference.split("/").at(-1) ?? ""] ?? {}, components);
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
  for (const keyword of ["const", "default"]) if (keyword in schema) return schema[keyword];
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const variants = schema.anyOf;
  if (Array.isArray(variants)) return exampleOf(variants[0], components);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") return exampleObject(schema, components);
  if (type === "array") return isObject(schema.items) ? [exampleOf(schema.items, components)] : [];
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "string") return EXAMPLE_TEXTS[String(schema.format)] ?? "text";
  return null;
}

const EXAMPLE_TEXTS: Readonly<Record<string, string>> = {
  uuid: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
  "date-time": "2026-03-14T09:26:53.589Z",
  uri: "https://app.example.org/",
};

function exampleObject(schema: JsonSchema, components: NamedSchemas): JsonSchema {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return mapMembers(properties, (property) => exampleOf(property, components));
}

/** Applies `change` to each schema directly inside this one. Values such as `default` and `examples` are left alone. */
function mapSubschemas(schema: JsonSchema, change: (part: JsonSchema) => JsonSchema): JsonSchema {
  const changed: JsonSchema = { ...schema };
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "properties" || keyword === "patternProperties") {
      if (isObject(value)) changed[keyword] = mapMembers(value, change);
    } else if (keyword === "items" || keyword === "additionalProperties") {
      if (isObject(value)) changed[keyword] = change(value);
    } else if ((keyword === "anyOf" || keyword === "allOf") && Array.isArray(value)) {
      changed[keyword] = value.map(change);
    }
  }
  return changed;
}

function mapMembers(members: JsonSchema, change: (part: JsonSchema) => unknown): JsonSchema {
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, isObject(member) ? change(member) : member]),
  );
}

function withPlainVariants(schema: JsonSchema): JsonSchema {
  if (!Array.isArray(schema.anyOf)) return schema;
  const { anyOf, ...outer } = schema;
  const variants = (anyOf as JsonSchema[]).filter((variant) => !isTextTakenForAnother(variant));
  const [first, second] = variants;
  if (first && variants.length === 1) return { ...first, ...outer };
  if (variants.every((variant) => "const" in variant && variant.type === first?.type)) {
    return { ...outer, type: first?.type, enum: variants.map((variant) => variant.const) };
  }
  const isNullable = variants.length === 2 && second?.type === "null";
  if (first && isNullable && isScalar(first)) return { ...first, ...outer, type: [first.type, "null"] };
  return { ...outer, anyOf: variants };
}

function isTextTakenForAnother(variant: JsonSchema): boolean {
  return variant.type === "string" && TEXT_TAKEN_FOR.has(String(variant.format));
}

/** A list of allowed words would have to name null too; such a schema stays a choice of two. */
function isScalar(schema: JsonSchema): boolean {
  return ["string", "integer", "number", "boolean"].includes(String(schema.type)) && !("enum" in schema);
}

/** `t.Record(t.String(), ...)` writes a pattern that every name matches. */
function withPlainNames(schema: JsonSchema): JsonSchema {
  const { patternProperties, ...rest } = schema;
  if (!isObject(patternProperties) || !(ANY_NAME in patternProperties)) return schema;
  const value = patternProperties[ANY_NAME];
  return { ...rest, additionalProperties: isObject(value) && Object.keys(value).length > 0 ? value : true };
}

function without(schema: JsonSchema, keywords: readonly string[]): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)));
}
