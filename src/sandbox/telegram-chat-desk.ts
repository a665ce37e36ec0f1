import { type Clock, SECOND_MS } from "../platform/clock.ts";
import { signInitData } from "./init-data.ts";
import { chatListPage, chatPage, noChatPage } from "./telegram-chat-page.ts";
import { type ChatView, chatView, isPictureType } from "./telegram-chat-view.ts";
import type { TelegramChats } from "./telegram-chats.ts";
import type { TelegramFiles } from "./telegram-files.ts";
import type { TelegramHands } from "./telegram-hands.ts";
import { type EmulatedBot, type EmulatedPerson, personObject } from "./telegram-records.ts";

/** Where the chats lie on the emulator's own port. */
export const CHAT_PATH = "/chat/";
/** How long a page waits for something new before it asks again; proxies close what is silent for much longer. */
const NEWS_MS_MAX = 20 * SECOND_MS;

export interface DeskNeeds {
  clock: Clock;
  bot: EmulatedBot;
  botToken: string;
  chats: TelegramChats;
  files: TelegramFiles;
  hands: TelegramHands;
  /** Where the Mini App is; undefined while nobody said it. */
  appUrl: () => string | undefined;
}

/** Answers the chat pages: a person looks at the chat, writes in it, and opens the Mini App from it. */
export async function answerChat(request: Request, needs: DeskNeeds): Promise<Response> {
  const url = new URL(request.url);
  const [idText = "", part = "", rest = ""] = url.pathname.slice(CHAT_PATH.length).split("/");
  if (idText === "") return answerList(url, needs);
  const id = /^\d{1,15}$/.test(idText) ? Number(idText) : 0;
  if (id === 0) return noChatPage("A person's id is a whole number.");
  if (part === "") return request.method === "POST" ? answerAct(id, request, needs) : answerPage(id, url, needs);
  if (part === "view") return answerView(id, url.searchParams.get("after"), needs);
  if (part === "file") return answerFile(id, rest, url.searchParams.has("download"), needs);
  if (part === "open") return answerOpen(id, url.searchParams, needs);
  return noChatPage("There is nothing here.");
}

function answerList(url: URL, needs: DeskNeeds): Response {
  const wanted = url.searchParams.get("telegram_id");
  if (wanted !== null && /^\d{1,15}$/.test(wanted)) return seeOther(wanted);
  const people = [...needs.chats.people.values()];
  return chatListPage(
    needs.bot.username,
    people.map((person) => ({ person, last: needs.chats.messages(person.id).at(-1)?.text.slice(0, 80) ?? "" })),
  );
}

function answerPage(id: number, url: URL, needs: DeskNeeds, problem = ""): Response {
  const startParameter = url.searchParams.get("start") ?? undefined;
  const view = viewOf(id, needs);
  return chatPage({ botName: needs.bot.username, person: needs.chats.person(id), view, startParameter, problem });
}

function viewOf(id: number, { bot, chats }: DeskNeeds): ChatView {
  const person = chats.person(id);
  return chatView({ botName: bot.username, person, messages: chats.messages(id), menuButton: chats.menuButton(id) });
}

/** With the page's script the answer is the problem's sentence; without it, the page again. */
async function answerAct(id: number, request: Request, needs: DeskNeeds): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const problem = act(id, form, needs);
  if (form.has("live")) return new Response(problem, { status: problem === "" ? 200 : 422 });
  return problem === "" ? seeOther(String(id)) : answerPage(id, new URL(request.url), needs, problem);
}

function act(id: number, form: URLSearchParams, { hands }: DeskNeeds): string {
  try {
    switch (form.get("act")) {
      case "start":
        hands.start(id, form.get("parameter") ?? undefined);
        return "";
      case "say":
        hands.say(id, form.get("text") ?? "");
        return "";
      case "block":
        hands.block(id);
        return "";
      case "unblock":
        hands.unblock(id);
        return "";
      default:
        return "Nobody can do this.";
    }
  } catch (error) {
    return (error as Error).message;
  }
}

/** What the chat looks like now; with `after`, as soon as it looks otherwise than at that version. */
async function answerView(id: number, after: string | null, needs: DeskNeeds): Promise<Response> {
  if (after !== null) await needs.chats.changed(id, Number(after), NEWS_MS_MAX);
  const view = { version: needs.chats.version(id), ...viewOf(id, needs) };
  return Response.json(view, { headers: { "cache-control": "no-store" } });
}

/** Only files of this chat, and only pictures are shown; everything else is saved. */
function answerFile(id: number, fileId: string, isDownload: boolean, needs: DeskNeeds): Response {
  const isHere = needs.chats.messages(id).some(({ attachment }) => attachment?.fileId === fileId);
  const file = isHere ? needs.files.get(fileId) : undefined;
  if (file === undefined) return new Response("Not Found", { status: 404 });
  const isShown = isPictureType(file.mime) && !isDownload;
  return new Response(new Uint8Array(file.bytes), {
    headers: {
      "content-type": isPictureType(file.mime) ? file.mime : "application/octet-stream",
      "content-disposition": isShown ? "inline" : `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    },
  });
}

/** Opens the Mini App as Telegram does: at its own address, with signed launch data in the fragment. */
function answerOpen(id: number, query: URLSearchParams, needs: DeskNeeds): Response {
  const target = targetOf(id, query, needs);
  if (target === undefined || !URL.canParse(target)) {
    return noChatPage("The Mini App's address is not known yet: it comes with a menu button or a button of a message.");
  }
  const startParameter = query.get("startapp") || undefined;
  const url = new URL(target);
  if (startParameter !== undefined) url.searchParams.set("tgWebAppStartParam", startParameter);
  const launch = new URLSearchParams({
    tgWebAppData: launchData(needs.chats.person(id), startParameter, needs),
    tgWebAppVersion: "8.0",
    tgWebAppPlatform: "weba",
    tgWebAppThemeParams: "{}",
  });
  url.hash = launch.toString();
  return seeOther(url.href);
}

/** Nothing but addresses that the bot itself has given: launch data signs a person in. */
function targetOf(id: number, query: URLSearchParams, { chats, appUrl }: DeskNeeds): string | undefined {
  const menuUrl = chats.menuButton(id)?.url;
  if (query.has("menu")) return menuUrl;
  if (query.has("startapp")) return appUrl() ?? menuUrl;
  const message = chats.messages(id).find(({ messageId }) => messageId === Number(query.get("message")));
  const button = message?.buttons[Number(query.get("row"))]?.[Number(query.get("place"))];
  return button?.opensApp === true ? button.url : undefined;
}

function launchData(person: EmulatedPerson, startParam: string | undefined, { botToken, clock }: DeskNeeds): string {
  const { is_bot: _, ...user } = personObject(person);
  const mayWrite = person.state === "started" ? { allows_write_to_pm: true } : {};
  return signInitData({
    botToken,
    user: { ...user, ...mayWrite },
    authDate: clock.now(),
    ...(startParam === undefined ? {} : { startParam }),
  });
}

function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}
