import { describe, expect, test } from "bun:test";
import type { Patient } from "../../src/commands/doctor/check.ts";
import { outboxCheck } from "../../src/commands/doctor/work.ts";
import { notify } from "../../src/features/notifications/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { startTestApp } from "../support/app.ts";
import { signInWith } from "../support/bot.ts";

describe("what doctor says of the bot's messages", () => {
  test("counts them, the ones in doubt too, and warns when the oldest has waited for long", async () => {
    const app = await startTestApp();
    const examine = () => outboxCheck.run({ openWithSchema: async () => app.open } as unknown as Patient);
    const [lost, person] = [await signInWith(app, "started"), await signInWith(app, "started")];
    const tell = (userId: string) =>
      app.ctx.transaction((tx) =>
        notify(tx, { userId, message: { key: "low_balance", parameters: { credits: 1 } }, about: newId() }),
      );
    app.telegram.faults.set("telegram.send", { mode: "http_500", times: 1 });
    await tell(lost.id);
    await app.work();
    await tell(person.id);
    const early = await examine();
    expect([early.status, early.text]).toEqual([
      "ok",
      "1 waiting; in the last 24 hours 0 sent, 0 dropped, 1 without an answer (perhaps sent, and not repeated).",
    ]);
    app.clock.advance(11 * MINUTE_MS);
    const late = await examine();
    expect([late.status, late.text.includes("waited 11 minutes")]).toEqual(["warning", true]);
    await app.work();
    expect((await examine()).status).toBe("ok");
  });
});
