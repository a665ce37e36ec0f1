import { test } from "bun:test";
import { startTestApp } from "../../support/app.ts";
test("probe", async () => {
  const t = await startTestApp();
  const p = await t.signIn();
  const show = async (name: string, r: Response) => process.stderr.write(`${name} ${r.status} ${JSON.stringify([...r.headers])} ${await r.text()}\n`);
  await show("nobody generate {}", await t.request("/fitting/generate", { method: "POST", json: {} }));
  await show("malformed", await t.request("/auth/refresh", { method: "POST", body: "{", headers: { "content-type": "application/json" } }));
  await show("large", await t.request("/auth/refresh", { method: "POST", json: { refresh_token: "x".repeat(70000) } }));
  await show("text", await t.request("/auth/refresh", { method: "POST", body: "a", headers: { "content-type": "text/plain" } }));
  await show("none", await t.request("/auth/refresh", { method: "POST" }));
  await show("logout nobody", await t.request("/auth/logout", { method: "POST", as: p }));
  await show("404", await t.request("/nope"));
  await show("method", await t.request("/balance", { method: "POST" }));
  await show("unknown query", await t.request("/balance/entries?x=1", { as: await t.signIn() }));
  await show("health", await t.request("/health/ready"));
  await show("events", await t.request("/live/events?since=0", { as: await t.signIn() }));
});
