import type {
  EmulatedAttachment,
  EmulatedMessage,
  EmulatedPerson,
  MenuButton,
  PersonState,
} from "./telegram-records.ts";

/** The parts of a chat that change while it is looked at: HTML in which everything that people wrote is escaped. */
export interface ChatView {
  state: PersonState;
  /** The line below the bot's name. */
  status: string;
  messages: string;
  menu: string;
}

export interface ViewNeeds {
  botName: string;
  person: EmulatedPerson;
  messages: readonly EmulatedMessage[];
  menuButton: MenuButton | undefined;
}

const STATUS: Readonly<Record<PersonState, string>> = {
  never_started: "bot; never started by this person",
  started: "bot",
  blocked: "bot; blocked by this person",
  deactivated: "this person's account is deactivated",
  not_found: "the bot does not know this person",
};

/** On a page they are shown as links; what ends a sentence is not part of them. */
const ADDRESS = /https?:\/\/[^\s<>"']+[^\s<>"'.,!?;:)\]}»]/g;
const SHOWN_COUNT_MAX = 500;

/** Addresses are relative to the chat's page, so that it works behind any prefix. */
export function chatView(needs: ViewNeeds): ChatView {
  const { person, menuButton } = needs;
  const shown = needs.messages.slice(-SHOWN_COUNT_MAX);
  let day = "";
  const parts = shown.map((message) => {
    const own = message.at.toISOString().slice(0, 10);
    const heading = own === day ? "" : `<p class="day">${own}</p>`;
    day = own;
    return heading + bubble(message, needs);
  });
  const empty = '<p class="day">No messages yet. The bot cannot write first.</p>';
  return {
    state: person.state,
    status: STATUS[person.state],
    messages: parts.length === 0 ? empty : parts.join("\n"),
    menu:
      menuButton === undefined
        ? ""
        : `<a class="menu" href="${person.id}/open?menu" target="_blank" rel="noreferrer" title="${escapeHtml(menuButton.url)}">${escapeHtml(menuButton.text)}</a>`,
  };
}

function bubble(message: EmulatedMessage, needs: ViewNeeds): string {
  const { attachment, buttons, messageId } = message;
  const time = message.at.toISOString().slice(11, 16);
  const text = message.text === "" ? "" : `<p class="text" dir="auto">${linked(message.text, needs)}</p>`;
  const silent = message.isSilent ? "without a sound, " : "";
  const rows = buttons.map(
    (row, y) => `<div class="row">${row.map((_, x) => button(message, y, x, needs)).join("")}</div>`,
  );
  return `<article class="${message.from}" id="m${messageId}"><div class="bubble">${
    attachment === undefined ? "" : file(attachment, needs.person.id)
  }${text}<time>${silent}${time}</time></div>${rows.join("")}</article>`;
}

function button(message: EmulatedMessage, row: number, place: number, needs: ViewNeeds): string {
  const found = message.buttons[row]?.[place];
  if (found === undefined) return "";
  const href = found.opensApp
    ? `${needs.person.id}/open?message=${message.messageId}&row=${row}&place=${place}`
    : ownAddress(found.url, needs);
  return `<a class="button" href="${escapeHtml(href)}" target="_blank" rel="noreferrer" title="${escapeHtml(found.url)}">${escapeHtml(found.text)}<small>${found.opensApp ? "opens the app" : "link"}</small></a>`;
}

function file(attachment: EmulatedAttachment, chatId: number): string {
  const address = `${chatId}/file/${attachment.fileId}`;
  const name = escapeHtml(attachment.name);
  const isPicture = isPictureType(attachment.mime);
  const size = attachment.width === undefined ? "" : ` width="${attachment.width}" height="${attachment.height}"`;
  const thumbnail = isPicture
    ? `<a href="${address}" target="_blank" rel="noreferrer"><img class="${attachment.kind}" src="${address}" alt="${name}"${size}></a>`
    : "";
  const about = `${attachment.kind}, ${shownSize(attachment.size)}`;
  return `${thumbnail}<a class="file" href="${address}?download" download="${name}"><span>${name}</span><small>${about}, download</small></a>`;
}

/** Those that a browser shows and that can hold no script. */
export function isPictureType(mime: string): boolean {
  return /^image\/(jpeg|png|webp|gif)$/.test(mime);
}

function shownSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Text with its addresses as links. */
function linked(text: string, needs: ViewNeeds): string {
  let html = "";
  let at = 0;
  for (const found of text.matchAll(ADDRESS)) {
    html += escapeHtml(text.slice(at, found.index));
    const [address] = found;
    html += `<a href="${escapeHtml(ownAddress(address, needs))}" target="_blank" rel="noreferrer">${escapeHtml(address)}</a>`;
    at = found.index + address.length;
  }
  return html + escapeHtml(text.slice(at));
}

/** A link to this very bot or its app leads to where the sandbox plays it; every other stays what it is. */
function ownAddress(address: string, { botName, person }: ViewNeeds): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.hostname !== "t.me") return address;
  const [bot = "", app] = url.pathname.slice(1).split("/");
  if (bot.toLowerCase() !== botName.toLowerCase()) return address;
  const parameter = url.searchParams.get("startapp");
  if (app !== undefined || parameter !== null)
    return `${person.id}/open?startapp=${encodeURIComponent(parameter ?? "")}`;
  const start = url.searchParams.get("start");
  return start === null ? String(person.id) : `${person.id}?start=${encodeURIComponent(start)}`;
}

/** For text and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
