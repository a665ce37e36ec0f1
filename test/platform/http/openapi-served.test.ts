import { expect, test } from "bun:test";
import { routeAccess } from "../../../src/access.ts";
import { describeApi, openApiText } from "../../../src/commands/openapi.ts";
import { startTestApp, type TestApp } from "../../support/app.ts";

const JSON_TYPE = { "content-type": "application/json" };

const served = async (app: TestApp) => (await app.request("/openapi.json")).text();

/** Sends something to a route; the router prepares a route's schemas when it is called for the first time. */
async function call(app: TestApp, { method, path }: (typeof routeAccess)[number]): Promise<Response> {
  const as = await app.signIn();
  const body = method === "GET" ? {} : { body: "{}", headers: JSON_TYPE };
  return app.request(path.replace(/:\w+/g, "x"), { method, as, ...body });
}

test("the description is the same before and after every route was called", async () => {
  const [fresh, used] = [await startTestApp(), await startTestApp()];
  const before = await served(fresh);
  const statuses = new Set<number>();
  for (const route of routeAccess.filter(({ method }) => method !== "WS")) {
    statuses.add((await call(used, route)).status);
  }
  // Some were carried out, and some refused because of what was sent.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 404, 422]));
  expect(await served(used)).toBe(before);
  // Schemas are shared by all apps of a process, so the truth is what a process of its own has written.
  expect(openApiText(describeApi())).toBe(await Bun.file("docs/openapi.json").text());
});
