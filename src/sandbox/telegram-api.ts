import type { TelegramMethod } from "../providers/telegram/wire.ts";
import { disturbTransport } from "./disturb.ts";
import type { Strike } from "./faults.ts";
import type { CallNeeds, CallWork } from "./telegram-call.ts";
import { telegramCalls } from "./telegram-calls.ts";
import { REFUSALS, refusalBehind, type TelegramRefusal, tooMany } from "./telegram-faults.ts";
import { Refused, readParams } from "./telegram-params.ts";

const CALL_COUNT_MAX = 5_000;
const RETRY_AFTER_SECONDS_DEFAULT = 3;
const TOKEN_SHAPE = /^[1-9]\d{0,19}:[\w-]{10,}$/;

/** What the emulator remembers of one call: neither token nor texts. */
export interface EmulatedCall {
  at: string;
  method: string;
  chatId: string | null;
  status: number;
  /** The switch that struck it. */
  fault: string | null;
}

export interface TelegramApi {
  /** The latest, the oldest first. */
  readonly calls: readonly EmulatedCall[];
  /** How often each method was called, by the status of the answer: `sendMessage 200`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Answers `/bot<token>/<method>`. */
  call(request: Request): Promise<Response>;
  /** Answers `/file/bot<token>/<file_path>`. */
  file(request: Request): Response;
}

interface ApiNeeds extends CallNeeds {
  botToken: string;
}

/** The Bot API below its host. */
export function createTelegramApi(needs: ApiNeeds): TelegramApi {
  const calls: EmulatedCall[] = [];
  const counts: Record<string, number> = {};
  const works = worksByName(needs);
  return {
    calls,
    counts,
    async call(request) {
      const [, token = "", name = ""] = /^\/bot([^/]*)\/(.*)$/.exec(decodedPath(request)) ?? [];
      const work = works.get(name.toLowerCase());
      const note = {
        at: needs.clock.now().toISOString(),
        method: work?.name ?? name,
        chatId: null,
        status: 0,
        fault: null,
      };
      calls.push(note);
      if (calls.length > CALL_COUNT_MAX) calls.shift();
      const answer = await atTheEdge(request, note, needs, () => answerCall(request, token, work, note, needs));
      note.status = answer.status;
      const key = `${note.method} ${answer.status}`;
      counts[key] = (counts[key] ?? 0) + 1;
      return answer;
    },
    file(request) {
      const [, token = "", fileId = ""] = /^\/file\/bot([^/]*)\/[a-z]+\/(.*)$/.exec(decodedPath(request)) ?? [];
      const file = token === needs.botToken ? needs.files.get(fileId) : undefined;
      if (file === undefined) return refuse(REFUSALS["404"]);
      return new Response(new Uint8Array(file.bytes), { headers: { "content-type": "application/octet-stream" } });
    },
  };
}

interface NamedWork {
  name: TelegramMethod;
  carryOut: CallWork;
}

function worksByName(needs: ApiNeeds): ReadonlyMap<string, NamedWork> {
  const works = Object.entries(telegramCalls(needs)) as [TelegramMethod, CallWork][];
  return new Map(works.map(([name, carryOut]) => [name.toLowerCase(), { name, carryOut }]));
}

function decodedPath(request: Request): string {
  const { pathname } = new URL(request.url);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

type Note = { -readonly [Field in keyof EmulatedCall]: EmulatedCall[Field] };

async function atTheEdge(
  request: Request,
  note: Note,
  needs: ApiNeeds,
  carryOut: () => Promise<Response>,
): Promise<Response> {
  const strike = needs.faults.strike("telegram.edge");
  if (strike === undefined) return carryOut();
  note.fault = strike.mode;
  return (await disturbTransport(strike, request, carryOut)) ?? carryOut();
}

async function answerCall(
  request: Request,
  token: string,
  work: NamedWork | undefined,
  note: Note,
  needs: ApiNeeds,
): Promise<Response> {
  if (token !== needs.botToken) return refuse(tokenRefusal(token));
  if (work === undefined) return refuse(REFUSALS["404_method"]);
  const carryOut = async (): Promise<Response> => {
    try {
      const params = await readParams(request);
      note.chatId = params.text("chat_id") ?? null;
      return Response.json({ ok: true, ...(await work.carryOut(params, request)) });
    } catch (error) {
      if (error instanceof Refused) return refuse(error.refusal);
      throw error;
    }
  };
  const strike = needs.faults.strike(work.name.startsWith("send") ? "telegram.send" : "telegram.call");
  if (strike === undefined) return carryOut();
  note.fault = strike.mode;
  return underStrike(strike, request, carryOut);
}

async function underStrike(strike: Strike, request: Request, carryOut: () => Promise<Response>): Promise<Response> {
  const seconds = Math.ceil((strike.delayMs ?? RETRY_AFTER_SECONDS_DEFAULT * 1_000) / 1_000);
  const refusal = refusalBehind(strike.mode);
  if (refusal !== undefined) return refuse(refusal);
  switch (strike.mode) {
    case "http_429":
      return refuse(tooMany(seconds));
    case "edge_429":
      return new Response("<html><body>429</body></html>", {
        status: 429,
        headers: { "content-type": "text/html", "retry-after": String(seconds) },
      });
    case "echo":
      return refuse({ code: 400, description: `Bad Request: ${new URL(request.url).pathname} cannot be served` });
    case "unknown_shape":
      await carryOut();
      return Response.json({ ok: true, result: { kind: "of tomorrow" } });
    case "executed_500":
      await carryOut();
      return refuse(REFUSALS["500"]);
    default:
      return (await disturbTransport(strike, request, carryOut)) ?? carryOut();
  }
}

function tokenRefusal(token: string): TelegramRefusal {
  if (!token.includes(":")) return REFUSALS["404"];
  return TOKEN_SHAPE.test(token) ? REFUSALS["401"] : REFUSALS["401_invalid"];
}

/** An error as the Bot API writes it; a 429 says its time in the header too. */
function refuse({ code, description, parameters }: TelegramRefusal): Response {
  const seconds = parameters?.retry_after;
  return Response.json(
    { ok: false, error_code: code, description, ...(parameters === undefined ? {} : { parameters }) },
    { status: code, headers: seconds === undefined ? {} : { "retry-after": String(seconds) } },
  );
}
