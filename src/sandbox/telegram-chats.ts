import type { Clock } from "../platform/clock.ts";
import type { EmulatedMessage, EmulatedPerson, MenuButton, PersonState } from "./telegram-records.ts";

/** Beyond this the oldest messages are forgotten. */
const MESSAGE_COUNT_MAX = 50_000;

export type NewMessage = Pick<EmulatedMessage, "chatId" | "from" | "text"> & Partial<EmulatedMessage>;

/** Everybody who has to do with the bot, and what stands in their chats. */
export interface TelegramChats {
  readonly people: ReadonlyMap<number, EmulatedPerson>;
  /** Whoever was never heard of before has the state of `newcomers`. */
  person(id: number): EmulatedPerson;
  /** Telegram itself announces nothing of these changes; what a person does is in `telegram-hands.ts`. */
  change(id: number, changes: Partial<Omit<EmulatedPerson, "id">>): EmulatedPerson;
  /** The oldest first; of one chat or of all. */
  messages(chatId?: number): EmulatedMessage[];
  add(message: NewMessage): EmulatedMessage;
  /** Of one chat, or what holds for all others. */
  menuButton(chatId: number): MenuButton | undefined;
  setMenuButton(chatId: number | undefined, button: MenuButton | undefined): void;
  /** How new people stand to the bot. */
  newcomers: PersonState;
  /** Grows with every change of a chat. */
  version(chatId: number): number;
  /** Resolves as soon as a chat has another version than `version`, or after `ms`. */
  changed(chatId: number, version: number, ms: number): Promise<void>;
}

export function createTelegramChats(options: { clock: Clock }): TelegramChats {
  const people = new Map<number, EmulatedPerson>();
  const messages: EmulatedMessage[] = [];
  const menuButtons = new Map<number, MenuButton | undefined>();
  const versions = new Map<number, number>();
  const waiting = new Set<() => void>();
  let menuForAll: MenuButton | undefined;
  let lastMessageId = 0;
  const tell = (chatId: number): void => {
    versions.set(chatId, (versions.get(chatId) ?? 0) + 1);
    for (const look of waiting) look();
  };

  const chats: TelegramChats = {
    people,
    newcomers: "never_started",
    person(id) {
      const known = people.get(id);
      if (known !== undefined) return known;
      const person = { id, firstName: `Person ${id}`, username: undefined, languageCode: "ru", state: chats.newcomers };
      people.set(id, person);
      return person;
    },
    change(id, changes) {
      const person = Object.assign(chats.person(id), changes);
      tell(id);
      return person;
    },
    messages: (chatId) => messages.filter((message) => chatId === undefined || message.chatId === chatId),
    add(message) {
      lastMessageId += 1;
      const added: EmulatedMessage = {
        messageId: lastMessageId,
        at: options.clock.now(),
        buttons: [],
        attachment: undefined,
        isSilent: false,
        ...message,
      };
      messages.push(added);
      if (messages.length > MESSAGE_COUNT_MAX) messages.shift();
      tell(message.chatId);
      return added;
    },
    menuButton: (chatId) => (menuButtons.has(chatId) ? menuButtons.get(chatId) : menuForAll),
    setMenuButton(chatId, button) {
      if (chatId === undefined) menuForAll = button;
      else menuButtons.set(chatId, button);
      for (const id of chatId === undefined ? people.keys() : [chatId]) tell(id);
    },
    version: (chatId) => versions.get(chatId) ?? 0,
    changed(chatId, version, ms) {
      return new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        const look = (): void => {
          if (chats.version(chatId) !== version) done();
        };
        const timer = setTimeout(done, ms);
        waiting.add(look);
        look();
      });
    },
  };
  return chats;
}
