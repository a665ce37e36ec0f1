import { expect, test } from "bun:test";
import { generationAttempts } from "../../src/features/generations/index.ts";
import { lane } from "../support/database.ts";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { until } from "../support/until.ts";

/** The pause before the first look at a task. */
const FIRST_POLL_MS = 2_500;

test("J5 a callback that meets its job in work, before the create is answered, makes it look at once", async () => {
  const deployment = await deploy();
  if (lane === "sqlite") await deployment.start("all");
  else await Promise.all((["api", "worker"] as const).map((role) => deployment.start(role)));
  deployment.kie.faults.set("kie.callback", { mode: "before_reply" });
  const person = await signInAt(deployment.url);
  const { id } = await person.ordered();
  const { kie } = deployment;
  await until(() => kie.stats().queries > 0, "the task is looked at");
  const lookedMs = Date.now() - Date.parse(kie.stats().tasks[0]?.createdAt ?? "");
  expect(lookedMs).toBeLessThan(FIRST_POLL_MS);
  expect(await person.ended(id)).toMatchObject({ status: "succeeded" });
  expect(deployment.kie.stats().callbacks).toMatchObject({ taken: 1, failed: 0 });

  await deployment.inside(async (ctx) => {
    const attempts = await ctx.db.select().from(generationAttempts);
    expect(attempts).toMatchObject([{ state: "succeeded", polls: 1 }]);
  });
  await deployment.close();
}, 60_000);
