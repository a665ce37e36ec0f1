import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ShiftedClock } from "./shifted-clock.ts";
import type { TelegramChats } from "./telegram-chats.ts";
import type { TelegramHands } from "./telegram-hands.ts";
import { type EmulatedMessage, PERSON_STATES } from "./telegram-records.ts";
import type { TelegramWebhook } from "./telegram-webhook.ts";

/** What only a sandbox has, by HTTP: people's hands, the clock, the settings, the updates that a switch holds. */
export const CABINET_PATHS = ["_chat", "_clock", "_settings", "_release"];

const State = Type.Union(PERSON_STATES.map((state) => Type.Literal(state)));
const Orders = {
  start: Type.Object({ parameter: Type.Optional(Type.String()) }, { additionalProperties: false }),
  say: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  block: Type.Object({}, { additionalProperties: false }),
  unblock: Type.Object({}, { additionalProperties: false }),
  /** Who the person is, and how they stand to the bot; no update tells it of this. */
  person: Type.Partial(
    Type.Object({
      firstName: Type.String({ minLength: 1, maxLength: 64 }),
      username: Type.String({ minLength: 1, maxLength: 32 }),
      languageCode: Type.String({ pattern: "^[a-z]{2,3}(-[A-Za-z]{2,4})?$" }),
      state: State,
    }),
    { additionalProperties: false },
  ),
  _clock: Type.Object({ advance_ms: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
  _settings: Type.Object({ newcomers: State }, { additionalProperties: false }),
};
type OrderName = keyof typeof Orders;

export interface CabinetNeeds {
  clock: ShiftedClock;
  chats: TelegramChats;
  hands: TelegramHands;
  webhook: TelegramWebhook;
}

/** Answers `/_chat/<id>/start`, `/_clock` and the rest by HTTP: 200 with what became of it, 422 with a sentence. */
export async function answerCabinet(request: Request, needs: CabinetNeeds): Promise<Response> {
  const [, name = "", id = "", act = ""] = new URL(request.url).pathname.split("/");
  if (request.method === "GET") {
    if (name === "_settings") return Response.json({ newcomers: needs.chats.newcomers });
    if (name !== "_chat") return Response.json({ detail: "Use POST." }, { status: 405 });
    return Response.json(id === "" ? [...needs.chats.people.values()] : chatView(needs, Number(id)));
  }
  const text = await request.text();
  try {
    const body: unknown = text === "" ? {} : JSON.parse(text);
    if (name === "_chat") return Response.json(carryOutAct(Number(id), act, body, needs));
    return Response.json(carryOutOrder(name, body, needs));
  } catch (error) {
    return Response.json({ detail: error instanceof Error ? error.message : String(error) }, { status: 422 });
  }
}

function carryOutAct(id: number, act: string, body: unknown, needs: CabinetNeeds): unknown {
  const { hands } = needs;
  switch (act) {
    case "start":
      return messageView(hands.start(id, checked("start", body).parameter));
    case "say":
      return messageView(hands.say(id, checked("say", body).text));
    case "block":
    case "unblock":
      checked(act, body);
      hands[act](id);
      return hands.person(id);
    case "person":
      return hands.person(id, checked("person", body));
    default:
      throw new Error(`A person cannot "${act}". Known are: start, say, block, unblock, person.`);
  }
}

function carryOutOrder(name: string, body: unknown, { clock, chats, webhook }: CabinetNeeds): object {
  if (name === "_clock") {
    clock.advance(checked("_clock", body).advance_ms);
    webhook.pump();
    return { now: clock.now().toISOString() };
  }
  if (name === "_settings") {
    chats.newcomers = checked("_settings", body).newcomers;
    return { newcomers: chats.newcomers };
  }
  webhook.release();
  return {};
}

function chatView({ chats }: CabinetNeeds, id: number): object {
  const person = chats.people.get(id);
  return { person: person ?? null, messages: chats.messages(id).map(messageView) };
}

function messageView(message: EmulatedMessage): object {
  return { ...message, at: message.at.toISOString(), attachment: message.attachment ?? null };
}

function checked<Name extends OrderName>(name: Name, body: unknown): Static<(typeof Orders)[Name]> {
  const error = Value.Errors(Orders[name], body).First();
  if (error !== undefined) throw new Error(`The order is not right at "${error.path || "/"}": ${error.message}.`);
  return body as Static<(typeof Orders)[Name]>;
}
