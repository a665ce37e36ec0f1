import { expect, test } from "bun:test";
import { startTestApp } from "../../support/app.ts";
const product = await startTestApp();
test("a stranger hears 401 whatever they send", async () => {
  const answer = await product.request("/fitting/generate", { method: "POST", json: {} });
  expect(answer.status).toBe(401);
  const p = await product.signIn();
  expect((await product.request("/fitting/generate", { method: "POST", json: {}, as: p })).status).toBe(422);
  expect((await product.request("/balance", {as:p})).status).toBe(200);
});
