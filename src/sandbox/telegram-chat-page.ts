import { type ChatView, escapeHtml } from "./telegram-chat-view.ts";
import type { EmulatedPerson } from "./telegram-records.ts";

const STYLE = `
:root{color-scheme:light dark;--back:#dfe7ec;--page:#fff;--ink:#111;--soft:#5d6a73;--bot:#fff;--own:#e3fbd0;--line:#cfd8de;--accent:#1f7fd1;--danger:#c62828}
@media (prefers-color-scheme:dark){:root{--back:#0e1419;--page:#17212b;--ink:#f2f5f7;--soft:#93a3af;--bot:#1f2c38;--own:#2b5278;--line:#2b3945;--accent:#6ab7ff;--danger:#ff8a80}}
*{box-sizing:border-box}
html,body{height:100%;margin:0}
body{font:16px/1.4 system-ui,sans-serif;background:var(--back);color:var(--ink);display:flex;flex-direction:column;max-width:32rem;margin:0 auto}
a{color:var(--accent)}
.sandbox{background:#ffd84d;color:#222;padding:.35rem 1rem;font-size:.8rem}
header{background:var(--page);padding:.5rem 1rem;display:flex;align-items:center;gap:.75rem;border-bottom:1px solid var(--line)}
header .back{line-height:0;padding:.3rem}
header .name{flex:1;min-width:0}
header b,header small{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
small{color:var(--soft);font-size:.8rem}
main{flex:1;overflow-y:auto;padding:.75rem}
.day{text-align:center;color:var(--soft);font-size:.8rem;margin:.6rem 0}
article{display:flex;flex-direction:column;max-width:85%;margin:.35rem 0;align-items:stretch;width:fit-content}
article.person{margin-left:auto}
.bubble{background:var(--bot);border-radius:1rem 1rem 1rem .3rem;padding:.5rem .75rem;box-shadow:0 1px 1px rgb(0 0 0/.15);min-width:6rem}
.person .bubble{background:var(--own);border-radius:1rem 1rem .3rem 1rem}
.text{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
time{display:block;text-align:right;color:var(--soft);font-size:.72rem}
img{display:block;width:auto;height:auto;max-width:100%;border-radius:.6rem;margin-bottom:.35rem}
img.photo{max-height:20rem}
img.document{max-height:7rem}
.file{display:block;text-decoration:none;overflow-wrap:anywhere;margin-bottom:.2rem}
.file small{display:block}
.row{display:flex;gap:.25rem;margin-top:.25rem}
.button{flex:1;background:var(--bot);border-radius:.6rem;padding:.5rem;text-align:center;text-decoration:none;font-weight:600;overflow-wrap:anywhere;box-shadow:0 1px 1px rgb(0 0 0/.15)}
.button small{display:block;font-weight:400}
footer{background:var(--page);border-top:1px solid var(--line);padding:.6rem;display:flex;flex-direction:column;gap:.5rem}
form{display:flex;gap:.5rem;margin:0;align-items:center}
input{font:inherit;flex:1;min-width:0;padding:.6rem .8rem;border:1px solid var(--line);border-radius:1.2rem;background:var(--back);color:inherit}
button,.menu{font:inherit;border:0;border-radius:1.2rem;padding:.6rem 1rem;background:var(--accent);color:var(--page);cursor:pointer;text-decoration:none;white-space:nowrap}
button.wide{width:100%;font-weight:600}
button.quiet{background:none;color:var(--danger);padding:.4rem}
#problem{color:var(--danger);margin:0}
#problem:empty,#menu:empty{display:none}
.when{display:none}
body[data-state=started] .when.started,body[data-state=blocked] .when.blocked,body[data-state=never_started] .when.new,body[data-state=not_found] .when.new,body[data-link] .when.link{display:flex}
body[data-link] .when.new{display:none}
body[data-live=no] #status::after{content:" · the sandbox does not answer"}
.list{list-style:none;margin:0;padding:0}
.list li{background:var(--page);border-bottom:1px solid var(--line)}
.list a{display:block;padding:.7rem 1rem;text-decoration:none;color:inherit;overflow-wrap:anywhere}
.list small{display:block}
`;

/** Asks for news and waits for the answer until there are some; everything works without it too, by hand. */
const SCRIPT = `
const base = document.body.dataset.chat;
const main = document.querySelector("main");
const problem = document.getElementById("problem");
const toEnd = () => { main.scrollTop = main.scrollHeight; };
let goesToEnd = false;
const show = (view) => {
  const isAtEnd = goesToEnd || main.scrollHeight - main.scrollTop - main.clientHeight < 80;
  document.body.dataset.state = view.state;
  document.getElementById("status").textContent = view.status;
  document.getElementById("menu").innerHTML = view.menu;
  main.innerHTML = view.messages;
  if (isAtEnd) toEnd();
  goesToEnd = false;
};
const watch = async () => {
  for (let version = ""; ; ) {
    try {
      const answer = await fetch(base + "/view" + (version === "" ? "" : "?after=" + version), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const view = await answer.json();
      if (view.version !== version) show(view);
      version = view.version;
      document.body.dataset.live = "yes";
    } catch {
      document.body.dataset.live = "no";
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
};
main.addEventListener("load", toEnd, { capture: true, once: true });
toEnd();
watch();
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    body.set("live", "yes");
    const answer = await fetch(base, { method: "POST", body });
    problem.textContent = answer.ok ? "" : await answer.text();
    if (!answer.ok) return;
    form.reset();
    if (body.get("act") === "start") delete document.body.dataset.link;
    goesToEnd = true;
    toEnd();
  });
}
`;

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
    SCRIPT,
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
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="data:,"><title>SANDBOX · ${escapeHtml(title)}</title><style nonce="${nonce}">${STYLE}</style></head>
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
