import { describe, expect, test } from "bun:test";
import { grantCredits, verifyLedger } from "../../src/features/billing/index.ts";
import { OPENROUTER_FAULTS } from "../../src/sandbox/openrouter-faults.ts";
import { useTestApp } from "../support/app.ts";
import { say } from "../support/editing.ts";
import { balance } from "../support/fitting.ts";

/** How a turn ends under a fault that never goes away. */
type End = "answered" | "unavailable" | "refused";

/** Switches that concern a turn; the others (`/key`, `/models`, `/generation`) are asked by `doctor` only. */
const TURN_SWITCHES = [
  "openrouter.chat",
  "openrouter.answer",
  "openrouter.stream",
  "openrouter.usage",
  "openrouter.fallback",
  "openrouter.pace",
  "openrouter.account",
  "openrouter.edge",
];

/** Every other mode of these switches ends as `unavailable`. */
const OTHERWISE: Record<string, End> = {
  "openrouter.chat delay": "answered",
  "openrouter.chat http_403_moderation": "refused",
  "openrouter.chat body_403_moderation": "refused",
  "openrouter.answer fenced": "answered",
  "openrouter.answer wrapped": "answered",
  "openrouter.answer refusal": "refused",
  "openrouter.answer content_filter": "refused",
  "openrouter.stream mid_moderation": "refused",
  "openrouter.stream slow_start": "answered",
  "openrouter.stream split": "answered",
  "openrouter.stream no_done": "answered",
  "openrouter.stream cut_before_usage": "answered",
  "openrouter.usage negative": "answered",
  "openrouter.usage not_a_number": "answered",
  "openrouter.usage missing_cost": "answered",
  "openrouter.usage no_usage": "answered",
  "openrouter.usage empty_choices": "answered",
  "openrouter.fallback first_fails": "answered",
  "openrouter.pace pace": "answered",
};

describe("C2 every fault of the assistant has its end, and only an answer costs a credit", () => {
  const shared = useTestApp({
    settings: {
      FREE_ACTIONS_PER_MONTH: "0",
      OPENROUTER_MODELS: "anthropic/claude-haiku-4.5,anthropic/claude-haiku-5.5",
    },
  });

  for (const name of TURN_SWITCHES) {
    for (const mode of OPENROUTER_FAULTS[name]?.modes ?? []) {
      const end = OTHERWISE[`${name} ${mode}`] ?? "unavailable";
      test(`${name}=${mode}: ${end}`, async () => {
        const app = shared();
        const person = await app.signIn();
        await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 5, source: `test:${person.id}` });
        app.openRouter.faults.clear();
        app.openRouter.faults.set(name, {
          mode,
          ...(mode === "pace" || mode === "slow_start" || mode === "delay" ? { delayMs: 20 } : {}),
        });
        const response = await say(app, person, { message: "make the jacket red" });
        app.openRouter.faults.clear();
        const answer = (await response.json()) as Record<string, unknown>;
        const charged = end === "answered" ? 1 : 0;
        expect(await balance(app, person)).toMatchObject({ credits: 5 - charged, reserved: 0 });
        if (end === "answered") {
          expect(response.status).toBe(200);
          expect(answer).toMatchObject({ credits_spent: 1, message: { variants: [{}, {}, {}] } });
          return;
        }
        expect([mode, response.status]).toEqual([mode, end === "refused" ? 422 : 503]);
        expect(answer).toMatchObject({
          code: end === "refused" ? "prompt_refused" : "assistant_unavailable",
          charged: false,
        });
      });
    }
  }

  test("after all of these the ledger has no difference, and no impossible cost was stored", async () => {
    const app = shared();
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
    const rows = await app.open.database.raw("select min(cost_microdollars) as least from chat_turns");
    expect(Number(rows[0]?.least)).toBeGreaterThanOrEqual(0);
    expect(app.logLines.some((line) => line.includes('"alert":true'))).toBe(true);
  });
});
