import { CHAT_SCRIPT } from "./telegram-chat-script.ts";
import { CHAT_STYLE } from "./telegram-chat-style.ts";
import { type ChatView, escapeHtml } from "./telegram-chat-view.ts";
import type { EmulatedPerson } from "./telegram-records.ts";

export interface ChatPage {
  botName: string;
  person: EmulatedPerson;
  view: ChatView;
  /** From a link with `?start=`: Start is offered again and sends it. */
  startParameter: string | undefined;
  problem: string;
}

/** One chat as it would look on a phone. */
export function chatPage(page: ChatPage): Response {
  const { person, view, startParameter } = page;
  const link = startParameter === undefined ? "" : ' data-link="yes"';
  const attributes = `data-chat="${person.id}" data-state="${view.state}"${link}`;
  const hidden =
    startParameter === undefined ? "" : `<input type="hidden" name="parameter" value="${escapeHtml(startParameter)}">`;
  return documentOf(
    `Chat of ${person.firstName}`,
    attributes,
    CHAT_SCRIPT,
    `${BANNER}
<header><a class="back" href="./" title="All chats" aria-label="All chats">${ARROW}</a><div class="name"><b>@${escapeHtml(page.botName)}</b><small id="status">${escapeHtml(view.status)}</small></div>
<form method="post" class="when started"><button class="quiet" name="act" value="block">Block</button></form></header>
<main aria-label="Messages" aria-live="polite">${view.messages}</main>
<footer>
<p id="problem" role="alert">${escapeHtml(page.problem)}</p>
<form method="post" class="when link">${hidden}<button class="wide" name="act" value="start">Start (from a link)</button></form>
<form method="post" class="when new"><button class="wide" name="act" value="start">Start</button></form>
<form method="post" class="when blocked"><button class="wide" name="act" value="unblock">Unblock</button></form>
<form method="post" class="when started"><span id="menu">${view.menu}</span><input type="hidden" name="act" value="say"><input name="text" placeholder="Message" aria-label="Message" autocomplete="off" maxlength="4096" required><button>Send</button></form>
<small>${escapeHtml(person.firstName)}, id ${person.id}, language ${escapeHtml(person.languageCode)}</small>
</footer>`,
  );
}

/** Everybody who has a chat with the bot. */
export function chatListPage(botName: string, chats: readonly { person: EmulatedPerson; last: string }[]): Response {
  const items = chats.map(({ person, last }) => {
    const name = escapeHtml(`${person.firstName} (${person.id})`);
    return `<li><a href="${person.id}"><b>${name}</b><small>${escapeHtml(person.state)}${last === "" ? "" : ` · ${escapeHtml(last)}`}</small></a></li>`;
  });
  return documentOf(
    "Chats",
    "",
    "",
    `${BANNER}
<header><div class="name"><b>@${escapeHtml(botName)}</b><small>${chats.length} chats</small></div></header>
<main><ul class="list">${items.join("\n") || '<li class="day">Nobody yet.</li>'}</ul></main>
<footer><form method="get"><input name="telegram_id" inputmode="numeric" pattern="[0-9]+" placeholder="Telegram id, such as 1001" aria-label="Telegram id" required><button>Open</button></form></footer>`,
  );
}

/** A sentence where no chat is. */
export function noChatPage(sentence: string, status = 404): Response {
  const content = `${BANNER}<main><p>${escapeHtml(sentence)}</p></main>`;
  return documentOf("Nothing here", "", "", content, status);
}

/** Drawn, as not every font has it. */
const ARROW =
  '<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="M20 12H5m6-7-7 7 7 7"/></svg>';
const BANNER = '<div class="sandbox"><b>SANDBOX</b> Not Telegram; nothing leaves this machine.</div>';

function documentOf(title: string, attributes: string, script: string, content: string, status = 200): Response {
  const nonce = crypto.randomUUID();
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="data:,"><title>SANDBOX · ${escapeHtml(title)}</title><style nonce="${nonce}">${CHAT_STYLE}</style></head>
<body ${attributes}>
${content}
${script === "" ? "" : `<script nonce="${nonce}">${script}</script>`}
</body>
</html>
`;
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}
