import { describe, expect, test } from "bun:test";
import { lineOf, rowOf } from "../../../src/platform/backup/row-lines.ts";
import { canonicalJson, type StoredRow } from "../../../src/platform/db/bulk.ts";
import type { TableShape } from "../../../src/platform/db/table-shapes.ts";
import { STRANGE_TEXT } from "../../support/every-table.ts";

const TABLE: TableShape = {
  name: "t",
  key: ["id"],
  columns: [
    { name: "id", kind: "integer" },
    { name: "at", kind: "moment" },
    { name: "text", kind: "text" },
    { name: "flag", kind: "flag" },
    { name: "json", kind: "json" },
  ],
};

describe("a row as a line", () => {
  const rows: StoredRow[] = [
    [2n ** 63n - 1n, -(2n ** 63n), STRANGE_TEXT, true, '{"a":null}'],
    [2n ** 53n, 2n ** 53n - 1n, "", false, "null"],
    [0n, -1n, "null", null, null],
    [null, null, null, null, '"text"'],
  ];
  test("comes back as it was", () => {
    for (const row of rows) {
      const line = lineOf(row);
      expect(line.slice(0, -1)).not.toContain("\n");
      expect(rowOf(TABLE, line)).toEqual(row);
    }
  });

  const damaged = [
    "",
    "[]",
    "{}",
    "[1,2,3]",
    '[1,1,"",true,{}]',
    '[1,1,"",1,""]',
    "[1.5,1,null,null,null]",
    '["9223372036854775808",1,null,null,null]',
    '["1e3",1,null,null,null]',
    "[9007199254740993,1,null,null,null]",
    "[1,1,5,null,null]",
  ];
  test.each(damaged)("%p is none", (line) => {
    expect(() => rowOf(TABLE, line)).toThrow("it has a damaged row of t");
  });
});

describe("a document's text", () => {
  test("is the same for the same document, whatever the order of its keys", () => {
    const one = JSON.parse('{"b":[1.0,1e2,{"y":null,"x":true}],"a":"\\u00e9","__proto__":{"c":1},"10":0,"9":0}');
    const other = JSON.parse('{ "9":0, "__proto__":{"c":1}, "10":0, "a":"é", "b":[1, 100.0, {"x":true,"y":null}] }');
    expect(canonicalJson(one)).toBe('{"10":0,"9":0,"__proto__":{"c":1},"a":"é","b":[1,100,{"x":true,"y":null}]}');
    expect(canonicalJson(other)).toBe(canonicalJson(one));
  });

  test("keeps arrays in order and refuses numbers that would be lost", () => {
    expect(canonicalJson(JSON.parse('[3,1,2,"",null,-0.5]'))).toBe('[3,1,2,"",null,-0.5]');
    expect(() => canonicalJson(JSON.parse("[1e999]"))).toThrow("too large");
  });
});
