import type { Clock } from "../platform/clock.ts";
import type { TelegramChats } from "./telegram-chats.ts";
import {
  botObject,
  chatObject,
  type EmulatedBot,
  type EmulatedMessage,
  type EmulatedPerson,
  messageObject,
  personObject,
  unixSeconds,
} from "./telegram-records.ts";
import type { TelegramUpdates } from "./telegram-updates.ts";

/** What stands behind `?start=` in a link. */
const START_PARAMETER = /^[A-Za-z0-9_-]{1,64}$/;
const TEXT_CHARACTERS_MAX = 4_096;

export type PersonChanges = Partial<Pick<EmulatedPerson, "firstName" | "username" | "languageCode" | "state">>;

/** What a person does in Telegram; each throws an Error with a sentence where Telegram would not let them. */
export interface TelegramHands {
  /** Makes a person known, or changes them. No update tells the bot. */
  person(id: number, changes?: PersonChanges): EmulatedPerson;
  /** Presses Start, or opens a link with `?start=parameter`. Lifts a block. */
  start(id: number, parameter?: string): EmulatedMessage;
  say(id: number, text: string): EmulatedMessage;
  block(id: number): void;
  unblock(id: number): void;
}

interface HandsNeeds {
  clock: Clock;
  bot: EmulatedBot;
  chats: TelegramChats;
  updates: TelegramUpdates;
}

export function createTelegramHands(needs: HandsNeeds): TelegramHands {
  const { chats } = needs;
  const hands: TelegramHands = {
    person: (id, changes = {}) => chats.change(checkedId(id), changes),
    start(id, parameter) {
      if (parameter !== undefined && !START_PARAMETER.test(parameter)) {
        throw new Error("A start parameter has 1 to 64 letters, digits, _ or -.");
      }
      const person = alive(chats, id);
      if (person.state === "blocked") changeMembership(needs, person, "member");
      chats.change(id, { state: "started" });
      return write(needs, person, parameter === undefined ? "/start" : `/start ${parameter}`);
    },
    say(id, text) {
      const said = text.trim();
      if (said === "" || said.length > TEXT_CHARACTERS_MAX) throw new Error("A message has 1 to 4096 characters.");
      const person = alive(chats, id);
      if (person.state !== "started") throw new Error(`The person is ${person.state}: press Start first.`);
      return write(needs, person, said);
    },
    block(id) {
      const person = alive(chats, id);
      if (person.state !== "started") throw new Error(`The person is ${person.state}: there is nothing to block.`);
      changeMembership(needs, person, "kicked");
    },
    unblock(id) {
      const person = alive(chats, id);
      if (person.state !== "blocked") throw new Error(`The person is ${person.state}: there is no block.`);
      changeMembership(needs, person, "member");
    },
  };
  return hands;
}

function alive(chats: TelegramChats, id: number): EmulatedPerson {
  const person = chats.person(checkedId(id));
  if (person.state === "deactivated") throw new Error("The account is deactivated.");
  if (person.state === "not_found") chats.change(id, { state: "never_started" });
  return person;
}

function checkedId(id: number): number {
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new Error("A person's id is a whole number above zero.");
}

function write(needs: HandsNeeds, person: EmulatedPerson, text: string): EmulatedMessage {
  const message = needs.chats.add({ chatId: person.id, from: "person", text });
  needs.updates.push("message", person.id, messageObject(message, person, needs.bot));
  return message;
}

/** In a private chat the bot is told of nothing but blocks and their end. */
function changeMembership(needs: HandsNeeds, person: EmulatedPerson, status: "kicked" | "member"): void {
  const user = botObject(needs.bot);
  const kicked = { user, status: "kicked", until_date: 0 };
  const member = { user, status: "member" };
  needs.chats.change(person.id, { state: status === "kicked" ? "blocked" : "started" });
  needs.updates.push("my_chat_member", person.id, {
    chat: chatObject(person),
    from: personObject(person),
    date: unixSeconds(needs.clock.now()),
    old_chat_member: status === "kicked" ? member : kicked,
    new_chat_member: status === "kicked" ? kicked : member,
  });
}
