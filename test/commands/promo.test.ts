import { describe, expect, test } from "bun:test";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf } from "./program.ts";

// The commands use the machine's clock, so the product beside them does too.
const app = await startTestApp({ clock: createTestClock(new Date()) });

const run = (...words: string[]) => runProgram(["promo", ...words], { environment: settingsOf(app.database) });

async function redeem(code: string): Promise<[number, unknown]> {
  const as = await app.signIn();
  const response = await app.request("/promo/redeem", { method: "POST", as, json: { code } });
  const body = (await response.json()) as { code: string; credits?: number };
  return [response.status, body.credits ?? body.code];
}

interface Listed {
  code: string;
  credits: number | null;
  uses: number;
  uses_max: number;
  state: string;
  created_by: string;
}

const listed = async (...words: string[]) => JSON.parse((await run("list", "--json", ...words)).out) as Listed[];

describe("atelier promo", () => {
  test("makes a code that works beside the running server, lists how it is used, and stops it", async () => {
    const made = await run(
      "create",
      "--credits",
      "20",
      "--code",
      "spring 2026",
      "--uses",
      "3",
      "--until",
      "2099-12-31",
    );
    expect(made).toEqual({
      code: 0,
      out: "Made SPRING2026: 20 credits, for 3 people, before 2099-12-31 21:00:00 UTC.\n",
      err: "",
    });
    expect(await redeem("Spring-2026")).toEqual([200, 20]);
    expect(await listed()).toMatchObject([
      { code: "SPRING2026", credits: 20, uses: 1, uses_max: 3, state: "active", created_by: "command" },
    ]);
    expect((await run("list")).out).toMatch(/SPRING2026 +20 credits +1 of 3 +active/);

    expect((await run("stop", "spring2026")).out).toBe("Stopped SPRING2026. It was used 1 of 3 times.\n");
    expect((await run("stop", "SPRING2026")).out).toMatch(
      /^SPRING2026 was stopped on \d{4}-.+ UTC\. It was used 1 of 3/,
    );
    expect(await redeem("SPRING2026")).toEqual([410, "promo_expired"]);
    expect(await listed()).toMatchObject([{ state: "stopped", uses: 1 }]);
  }, 60_000);

  test("makes up a code that nobody guesses, for one person, unless told otherwise", async () => {
    const outs = [];
    for (let n = 0; n < 3; n += 1) outs.push((await run("create", "--credits", "5")).out);
    const codes = outs.map((out) => /^Made ([A-HJ-NP-Z2-9]{10}): 5 credits, for 1 person\.\n$/.exec(out)?.[1] ?? out);
    expect(new Set(codes).size).toBe(3);
    expect(await redeem(codes[0] ?? "")).toEqual([200, 5]);
    expect(await redeem(codes[0] ?? "")).toEqual([409, "promo_exhausted"]);
    expect((await listed("--limit", "3")).map(({ code }) => code)).toEqual(codes.toReversed());
  }, 60_000);

  test("makes a code for days of a plan", async () => {
    const made = await run("create", "--days", "7", "--plan", "pro", "--code", "WEEKOFPRO");
    expect(made.out).toBe("Made WEEKOFPRO: 7 days of pro, for 1 person.\n");
    const person = await app.signIn();
    const response = await app.request("/promo/redeem", { method: "POST", as: person, json: { code: "WEEKOFPRO" } });
    expect(await response.json()).toEqual({ code: "WEEKOFPRO", credits: null, plan: { type: "pro", days: 7 } });
    expect((await run("list")).out).toMatch(/WEEKOFPRO +7 days of pro +1 of 1 +exhausted/);
  });

  test("refuses what makes no sense with a sentence, and makes nothing", async () => {
    await run("create", "--credits", "5", "--code", "TAKEN");
    const before = await listed();
    const cases: Array<[string[], string]> = [
      [["create"], "Say what the code gives"],
      [["create", "--credits", "5", "--days", "5", "--plan", "basic"], "Say what the code gives"],
      [["create", "--days", "5"], "Say what the code gives"],
      [["create", "--plan", "basic"], "Say what the code gives"],
      [["create", "--days", "367", "--plan", "basic"], "--days must be a whole number from 1 to 366"],
      [["create", "--days", "7", "--plan", "gold"], '--plan must be one of basic, pro, premium, not "gold"'],
      [["create", "--credits", "0"], "--credits must be a whole number from 1 to 100000"],
      [["create", "--credits", "5", "--uses", "0"], "--uses must be a whole number from 1 to 1000000"],
      [["create", "--credits", "5", "--until", "2020-01-01"], "--until must be today or later"],
      [["create", "--credits", "5", "--until", "2026-02-30"], "--until must be a date such as"],
      [["create", "--credits", "5", "--code", "abc"], "A code has 4 to 32 letters"],
      [["create", "--credits", "5", "--code", "t-a-k-e-n"], "There is a code TAKEN already"],
      [["create", "--credits", "5", "CODE"], '"CODE" is one word too many'],
      [["stop"], "<code> is missing"],
      [["stop", "NOSUCHCODE"], 'There is no promo code "NOSUCHCODE"'],
      [["stop", "?"], 'There is no promo code "?"'],
      [["list", "--limit", "none"], "--limit must be a whole number"],
    ];
    for (const [words, sentence] of cases) {
      const { code, out, err } = await run(...words);
      expect({ words, code, out }).toEqual({ words, code: 2, out: "" });
      expect(err).toContain(sentence);
    }
    expect(await listed()).toEqual(before);
  }, 60_000);
});
