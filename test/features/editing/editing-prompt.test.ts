import { describe, expect, test } from "bun:test";
import { assistantMessages, CONTEXT_MESSAGES_MAX } from "../../../src/features/editing/editing-prompt.ts";
import type { ChatMessage } from "../../../src/features/editing/tables.ts";

const message = (n: number, more: Partial<ChatMessage> = {}): ChatMessage => ({
  id: `m${n}`,
  role: n % 2 === 0 ? "user" : "assistant",
  content: `message ${n}`,
  image_url: null,
  timestamp: "2026-11-18T09:00:00.000Z",
  turn_id: `t${n}`,
  ...more,
});

describe("what the assistant is shown", () => {
  test("the system prompt and never more than the last 10 messages, the new one included", () => {
    const history = Array.from({ length: 40 }, (_, n) => message(n));
    const shown = assistantMessages(history, "make it red", null);
    expect(shown[0]?.role).toBe("system");
    expect(shown).toHaveLength(1 + CONTEXT_MESSAGES_MAX);
    expect(shown.at(-1)?.content).toBe("<wish>make it red</wish>");
    expect(JSON.stringify(shown)).not.toContain("message 30");
    expect(JSON.stringify(shown)).toContain("message 31");
  });

  test("messages whose turn failed are left out", () => {
    const shown = assistantMessages([message(0), message(2, { error: "prompt_refused" })], "x", null);
    expect(JSON.stringify(shown)).not.toContain("message 2");
  });

  test("the photo goes with the new message only, behind its text", () => {
    const shown = assistantMessages([message(0, { image_url: "photos/ab/x.jpg" })], "x", "data:image/jpeg;base64,AAAA");
    expect(shown.at(-1)?.content).toEqual([
      { type: "text", text: "<wish>x</wish>" },
      { type: "image_url", image_url: { url: "data:image/jpeg;base64,AAAA" } },
    ]);
    expect(JSON.stringify(shown.slice(0, -1))).not.toContain("photos/");
  });
});
