import { describe, expect, test } from "bun:test";
import { t } from "elysia";
import { exampleOf, hoistNamed, type JsonSchema, plainSchema } from "../../../src/platform/http/openapi-schema.ts";
import { oneOf } from "../../../src/platform/http/schemas.ts";

/** As it leaves the router. */
const described = (schema: object) => plainSchema(JSON.parse(JSON.stringify(schema)) as JsonSchema);

describe("a schema in the description", () => {
  test("calls a number a number, though a query writes it as text", () => {
    expect(described(t.Integer({ minimum: 1, description: "How many." }))).toEqual({
      type: "integer",
      minimum: 1,
      description: "How many.",
    });
    expect(described(t.Numeric())).toEqual({ type: "number" });
    expect(described(t.BooleanString())).toEqual({ type: "boolean" });
  });

  test("says that something may be null as JSON Schema does", () => {
    expect(described(t.Nullable(t.String({ maxLength: 5 })))).toEqual({ type: ["string", "null"], maxLength: 5 });
    expect(described(t.Nullable(oneOf(["a", "b"])))).toEqual({
      anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "null" }],
    });
    expect(described(t.Nullable(t.Object({ a: t.String() })))).toEqual({
      anyOf: [{ type: "object", required: ["a"], properties: { a: { type: "string" } } }, { type: "null" }],
    });
  });

  test("lists allowed words once", () => {
    expect(described(t.Union([t.Literal("yes"), t.Literal("no")]))).toEqual({ type: "string", enum: ["yes", "no"] });
  });

  test("keeps a real choice between two types", () => {
    const choice = described(t.Union([t.String(), t.Boolean()]));
    expect(choice).toEqual({ anyOf: [{ type: "string" }, { type: "boolean" }] });
  });

  test("describes an object of any names without a pattern", () => {
    expect(described(t.Record(t.String(), t.String()))).toEqual({
      type: "object",
      additionalProperties: { type: "string" },
    });
    expect(described(t.Record(t.String(), t.Unknown()))).toEqual({ type: "object", additionalProperties: true });
  });

  test("reaches into lists and members", () => {
    const list = described(t.Object({ items: t.Array(t.Object({ size: t.Optional(t.Integer()) })) }));
    expect(list.properties).toEqual({
      items: { type: "array", items: { type: "object", properties: { size: { type: "integer" } } } },
    });
  });

  test("is named by its title wherever it occurs, and described once", () => {
    const photo = t.Object({ id: t.String() }, { title: "Photo" });
    const components = {};
    const both = hoistNamed(described(t.Object({ first: photo, others: t.Array(photo) })), components);
    expect(both.properties).toEqual({
      first: { $ref: "#/components/schemas/Photo" },
      others: { type: "array", items: { $ref: "#/components/schemas/Photo" } },
    });
    expect(Object.keys(components)).toEqual(["Photo"]);
  });

  test("may not share its name with another", () => {
    const components = {};
    hoistNamed({ title: "Photo", type: "object" }, components);
    expect(() => hoistNamed({ title: "Photo", type: "string" }, components)).toThrow("Photo");
  });

  test("gives an example made of its parts", () => {
    const components = { Zone: { type: "string", examples: ["top"] } };
    const schema = {
      type: "object",
      properties: {
        id: { type: "string", format: "uuid" },
        zone: { $ref: "#/components/schemas/Zone" },
        sizes: { type: "array", items: { type: "integer", minimum: 3 } },
        done: { const: false },
      },
    };
    expect(exampleOf(schema, components)).toEqual({
      id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
      zone: "top",
      sizes: [3],
      done: false,
    });
  });
});

describe("one of some words", () => {
  test("is not filled in where the client sent nothing", () => {
    expect("default" in oneOf(["first", "second"])).toBeFalse();
  });
});
