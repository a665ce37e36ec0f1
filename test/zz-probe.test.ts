import { test } from "bun:test";
import { Elysia, t as T } from "elysia";
test("x", async () => {
  const app = new Elysia({normalize:false}).get("/", ({ query }) => query, { query: T.Object({ type: T.Optional(T.UnionEnum(["a", "b"])), n: T.Optional(T.Integer({minimum: 0})) }, {additionalProperties:false}) })
  .post("/", ({ body }) => body ?? "none", { body: T.Object({ type: T.Optional(T.UnionEnum(["a", "b"])) , i: T.Optional(T.Integer())}) })
  .get("/neg", ({ query }) => query, { query: T.Object({ n: T.Integer({minimum: 0}) }) })
  .onError(({error}) => { process.stdout.write(JSON.stringify(error) + Object.keys(error) + (error as any).type+"\n"); });
  const show = async (r: Request) => { const a = await app.handle(r); process.stdout.write(`${a.status} ${await a.text()}\n`); };
  await show(new Request("http://localhost/"));
  await show(new Request("http://localhost/?n=-1"));
  await show(new Request("http://localhost/?n=x"));
  await show(new Request("http://localhost/", {method: "POST", body: "{}", headers: {"content-type": "application/json"}}));
  await show(new Request("http://localhost/", {method: "POST", body: '{"i":"5"}', headers: {"content-type": "application/json"}}));
});
