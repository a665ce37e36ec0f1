import { after, DAY_MS, MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { makeHold } from "./made-up-hold.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";

const FAILED_SHARE = 0.02;
const TURNS_A_CONVERSATION = 6;
/** Older words are gone by the cleanup; a little less than it waits, so that it has nothing to do at once. */
const WORDS_KEPT_MS = 29 * DAY_MS;

/** The conversation that a person's next question belongs to. */
export interface Talk {
  sessionId: string;
  turns: number;
}

/** What the assistant read and wrote for a question that was answered. */
export const TOKENS_A_TURN = { input: 900, output: 300 };

/** A question to the assistant that ended. Returns the month whose free action it used, or null, and its conversation. */
export function makeTurn(
  rows: Rows,
  maker: Maker,
  asked: { userId: string; createdAt: Date; talk: Talk | null },
  packs: Pack[],
): { month: string | null; talk: Talk } {
  const { random, idAt, catalogue } = maker;
  const { userId, createdAt } = asked;
  const isMade = random() >= FAILED_SHARE;
  const finishedAt = new Date(createdAt.getTime() + (2 + random() * 20) * SECOND_MS);
  const id = idAt(createdAt);
  const goesOn = asked.talk !== null && asked.talk.turns < TURNS_A_CONVERSATION;
  const talk = goesOn && asked.talk ? asked.talk : { sessionId: idAt(createdAt), turns: 0 };
  talk.turns += 1;
  const paid = { operation: `turn:${id}`, action: "chat_turn", price: catalogue.actions.chat_turn };
  const hold = makeHold(rows, maker, { ...paid, userId, isMade, createdAt, finishedAt }, packs);
  rows.chatTurns.push({
    id,
    userId,
    sessionId: talk.sessionId,
    clientId: `made-up-${id}`,
    state: isMade ? "succeeded" : "failed",
    holdId: hold.holdId,
    creditsSpent: isMade ? hold.credits : 0,
    model: isMade ? "made-up" : null,
    inputTokens: isMade ? TOKENS_A_TURN.input : 0,
    outputTokens: isMade ? TOKENS_A_TURN.output : 0,
    costMicrodollars: isMade ? 400 : null,
    errorCode: isMade ? null : "assistant_unavailable",
    deadlineAt: new Date(createdAt.getTime() + MINUTE_MS),
    createdAt,
    finishedAt,
  });
  if (after(createdAt, WORDS_KEPT_MS) > maker.now) keepWords(rows, maker, { userId, turnId: id, createdAt, talk });
  return { month: hold.usedMonth, talk };
}

function keepWords(
  rows: Rows,
  { idAt }: Maker,
  { userId, turnId, createdAt, talk }: { userId: string; turnId: string; createdAt: Date; talk: Talk },
): void {
  const message = (role: "user" | "assistant") => ({
    ...{ id: idAt(createdAt), role, content: "made up", image_url: null },
    ...{ timestamp: createdAt.toISOString(), turn_id: turnId },
  });
  const words = [message("user"), message("assistant")];
  const begun = rows.chatHistory.find(({ sessionId }) => sessionId === talk.sessionId);
  if (begun) {
    begun.messages.push(...words);
    begun.updatedAt = createdAt;
    return;
  }
  const { sessionId } = talk;
  const made = { id: idAt(createdAt), userId, sessionId, messages: words, createdAt, updatedAt: createdAt };
  rows.chatHistory.push(made);
}
