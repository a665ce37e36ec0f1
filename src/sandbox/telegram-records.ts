/**
 * How a person stands to the bot.
 * - `never_started`: has an account and never wrote to the bot, which therefore may not write first
 * - `not_found`: Telegram knows nobody of this id, as far as the bot is concerned
 */
export const PERSON_STATES = ["never_started", "started", "blocked", "deactivated", "not_found"] as const;
export type PersonState = (typeof PERSON_STATES)[number];

export interface EmulatedPerson {
  id: number;
  firstName: string;
  username: string | undefined;
  languageCode: string;
  state: PersonState;
}

/** Below a message; opens an address, or the Mini App. */
export interface EmulatedButton {
  text: string;
  url: string;
  opensApp: boolean;
}

/** A file of a message. Its bytes are in the store under `fileId`. */
export interface EmulatedAttachment {
  kind: "photo" | "document";
  fileId: string;
  name: string;
  mime: string;
  size: number;
  /** In pixels; photos only. */
  width?: number;
  height?: number;
}

export interface EmulatedMessage {
  messageId: number;
  chatId: number;
  from: "bot" | "person";
  at: Date;
  /** Of a file it is the caption; may be empty. */
  text: string;
  /** Rows from top to bottom. */
  buttons: EmulatedButton[][];
  attachment: EmulatedAttachment | undefined;
  /** Arrived without a sound. */
  isSilent: boolean;
}

export interface MenuButton {
  text: string;
  url: string;
}

/** The bot as Telegram shows it. */
export interface EmulatedBot {
  id: number;
  username: string;
  firstName: string;
}

/** A message as the API shows it to the bot. */
export function messageObject(message: EmulatedMessage, person: EmulatedPerson, bot: EmulatedBot) {
  const { attachment: file, text } = message;
  return {
    message_id: message.messageId,
    from: message.from === "bot" ? botObject(bot) : personObject(person),
    chat: chatObject(person),
    date: unixSeconds(message.at),
    ...(file === undefined ? { text } : {}),
    ...(file !== undefined && text !== "" ? { caption: text } : {}),
    ...(file?.kind === "photo" ? { photo: photoSizes(file) } : {}),
    ...(file?.kind === "document" ? { document: documentObject(file) } : {}),
    ...(message.from === "person" && text.startsWith("/") ? { entities: [commandEntity(text)] } : {}),
    ...(message.buttons.length > 0 ? { reply_markup: { inline_keyboard: message.buttons.map(keyboardRow) } } : {}),
  };
}

export function botObject(bot: EmulatedBot) {
  return { id: bot.id, is_bot: true, first_name: bot.firstName, username: bot.username };
}

export function personObject(person: EmulatedPerson) {
  return {
    id: person.id,
    is_bot: false,
    first_name: person.firstName,
    ...(person.username === undefined ? {} : { username: person.username }),
    language_code: person.languageCode,
  };
}

export function chatObject(person: EmulatedPerson) {
  return {
    id: person.id,
    first_name: person.firstName,
    ...(person.username === undefined ? {} : { username: person.username }),
    type: "private",
  };
}

export function unixSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1_000);
}

const PHOTO_EDGES_PX = [90, 320, 800, 1_280];

/**
 * The sizes that Telegram makes of a photo, the smallest first. The emulator scales nothing: all are the bytes that were
 * sent, under the numbers that they would have.
 */
function photoSizes(file: EmulatedAttachment) {
  const { width = 0, height = 0 } = file;
  const edge = Math.max(width, height, 1);
  const edges = [...PHOTO_EDGES_PX.filter((one) => one < edge), Math.min(edge, PHOTO_EDGES_PX.at(-1) ?? edge)];
  return [...new Set(edges)].map((size) => ({
    file_id: file.fileId,
    file_unique_id: `${file.fileId.slice(-12)}${size}`,
    file_size: file.size,
    width: Math.max(1, Math.round((width * size) / edge)),
    height: Math.max(1, Math.round((height * size) / edge)),
  }));
}

function documentObject(file: EmulatedAttachment) {
  const { fileId: file_id, name: file_name, mime: mime_type, size: file_size } = file;
  return { file_name, mime_type, file_id, file_unique_id: file_id.slice(-12), file_size };
}

function commandEntity(text: string) {
  return { offset: 0, length: text.split(/\s/, 1)[0]?.length ?? 0, type: "bot_command" };
}

function keyboardRow(row: readonly EmulatedButton[]) {
  return row.map(({ text, url, opensApp }) => (opensApp ? { text, web_app: { url } } : { text, url }));
}
