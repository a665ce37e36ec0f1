import { describe, expect, test } from "bun:test";
import { routeAccess } from "../src/access.ts";
import { startTestApp } from "./support/app.ts";
import { openApiDocument } from "./support/openapi.ts";

type Described = Record<string, Record<string, { security?: Array<Record<string, unknown>> }>>;

/** Without the slash that a route ending in `/` has; the router answers both. */
const plain = (path: string) => (path.length > 1 ? path.replace(/\/$/, "") : path);

describe("the table of who may call what", () => {
  test("names every route of the router once, and no other", async () => {
    const { app } = await startTestApp();
    const routed = app.routes.map((route) => `${route.method} ${plain(route.path)}`);
    const listed = routeAccess.map((route) => `${route.method} ${route.path}`);
    expect(listed.toSorted()).toEqual(routed.toSorted());
    expect(new Set(listed).size).toBe(listed.length);
  });

  test("asks for a person exactly where the guard does", () => {
    const paths = openApiDocument().paths as Described;
    const guarded = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation.security?.some((one) => "bearerAuth" in one))
        .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    const people = ["person", "viewer", "support", "owner"];
    const listed = routeAccess.filter((route) => people.includes(route.access));
    expect(listed.map((route) => `${route.method} ${route.path}`).toSorted()).toEqual(guarded.toSorted());
  });
});
