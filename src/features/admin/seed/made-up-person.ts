import { DAY_MS, MINUTE_MS } from "../../../platform/clock.ts";
import { moscowMonth } from "../../../platform/moscow.ts";
import { searchKeys } from "../../profile/index.ts";
import { makePayment } from "./made-up-payment.ts";
import { makePicture } from "./made-up-picture.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";
import { makeTurn, type Talk, TOKENS_A_TURN } from "./made-up-turn.ts";

/** Nobody has a Telegram id as high. */
const TELEGRAM_ID_MIN = 4_000_000_000_000;
const NAMES = ["Anna", "Boris", "Vera", "Gleb", "Daria", "Егор", "Жанна", "Зоя", "Игорь", "Лев", "Мария", "Нина"];

/** Makes a person up with their payments, pictures and questions, whose credits, entries and holds add up as the ledger's do. */
export function makePerson(
  rows: Rows,
  maker: Maker,
  number: number,
  counts: { payments: number; pictures: number; turns: number },
): void {
  const { random, idAt, now, days } = maker;
  const createdAt = before(now, (0.02 + 0.98 * random()) * days * DAY_MS);
  const userId = idAt(createdAt);
  const between = () =>
    new Date(createdAt.getTime() + random() * (now.getTime() - createdAt.getTime() - 10 * MINUTE_MS));
  const packs: Pack[] = [];
  for (let i = 0; i < counts.payments; i += 1) {
    const pack = makePayment(rows, maker, userId, between());
    if (pack) packs.push(pack);
  }
  const acts = [
    ...Array.from({ length: counts.pictures }, () => ({ isPicture: true, at: between() })),
    ...Array.from({ length: counts.turns }, () => ({ isPicture: false, at: between() })),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  let talk: Talk | null = null;
  const months: (string | null)[] = [];
  for (const { isPicture, at } of acts) {
    if (isPicture) {
      months.push(makePicture(rows, maker, userId, at, packs));
      continue;
    }
    const turn = makeTurn(rows, maker, { userId, createdAt: at, talk }, packs);
    talk = turn.talk;
    months.push(turn.month);
  }
  const month = months.findLast((one) => one !== null) ?? moscowMonth(createdAt);
  for (const grant of rows.creditGrants) {
    const pack = packs.find(({ grantId }) => grantId === grant.id);
    if (pack) grant.creditsLeft = pack.left;
  }
  const answered = rows.chatTurns.filter(({ state }) => state === "succeeded").length;
  const name = NAMES[number % NAMES.length] ?? "Anna";
  const person = {
    firstName: name,
    lastName: `Made-up ${number}`,
    username: number % 3 === 0 ? `made_up_${number}` : null,
  };
  rows.users.push({
    id: userId,
    telegramId: TELEGRAM_ID_MIN + number,
    ...person,
    ...searchKeys(person),
    language: number % 4 === 0 ? "en" : "ru",
    // The bot must never write to somebody who was made up.
    writeState: "needs_start",
    notifyResults: true,
    notifyNews: true,
    balanceCredits: packs.reduce((sum, pack) => sum + pack.left, 0),
    reservedCredits: 0,
    freemiumMonth: month,
    freemiumActionsUsed: months.filter((one) => one === month).length,
    assistantTokens: answered * (TOKENS_A_TURN.input + TOKENS_A_TURN.output),
    bannedAt: number % 500 === 7 ? now : null,
    banReason: number % 500 === 7 ? "made up" : null,
    createdAt,
    updatedAt: createdAt,
  });
}

function before(moment: Date, ms: number): Date {
  return new Date(moment.getTime() - ms);
}
