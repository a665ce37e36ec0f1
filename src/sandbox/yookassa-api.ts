import { IDEMPOTENCE_HEADER, YOOKASSA_BASE_PATH } from "../providers/yookassa/wire.ts";
import { disturbTransport } from "./disturb.ts";
import {
  answerChange,
  answerCreate,
  answerList,
  answerMe,
  answerRead,
  answerRefund,
  type Call,
  type CallNeeds,
  type EmulatedCall,
  refuse,
} from "./yookassa-calls.ts";
import { REFUSALS } from "./yookassa-faults.ts";

const CALL_COUNT_MAX = 5_000;

export interface YooKassaApi {
  /** The latest, the oldest first. */
  readonly calls: readonly EmulatedCall[];
  call(request: Request): Promise<Response>;
}

type ApiNeeds = CallNeeds & {
  /** Secret keys by shop. */
  shops: ReadonlyMap<string, string>;
};

/** The calls of the API v3 that a shop makes, below its base path. */
export function createYooKassaApi(needs: ApiNeeds): YooKassaApi {
  const calls: EmulatedCall[] = [];
  return {
    calls,
    async call(request) {
      const url = new URL(request.url);
      const note = noteOf(request, url, needs.clock.now());
      calls.push(note);
      if (calls.length > CALL_COUNT_MAX) calls.shift();
      const answer = await atTheEdge(request, url, note, needs);
      note.status = answer.status;
      return answer;
    },
  };
}

async function atTheEdge(request: Request, url: URL, note: EmulatedCall, needs: ApiNeeds): Promise<Response> {
  const carryOut = async (): Promise<Response> => {
    const shopId = shopOf(request, needs.shops);
    if (shopId === undefined) return refuse(REFUSALS["401"], needs);
    needs.shop.settle();
    return route({ request, url, shopId, note }, needs);
  };
  const strike = needs.faults.strike("yookassa.edge");
  if (strike === undefined) return carryOut();
  note.fault = strike.mode;
  return (await disturbTransport(strike, request, carryOut)) ?? carryOut();
}

async function route(call: Call, needs: ApiNeeds): Promise<Response> {
  const answers = answersAt(call, needs);
  if (answers === undefined) return refuse(REFUSALS["404"], needs);
  const answer = answers[call.note.method];
  return answer === undefined ? refuse(REFUSALS["405"], needs) : answer();
}

/** What each verb does at the call's path; undefined where there is nothing. */
function answersAt(call: Call, needs: ApiNeeds): Record<string, () => Promise<Response>> | undefined {
  const [, kind = "", id = "", action = "", ...more] = call.note.path.split("/");
  if (more.length > 0) return undefined;
  if (kind === "me") return id === "" ? { GET: () => answerMe(call, needs) } : undefined;
  if (kind !== "payments" && kind !== "refunds") return undefined;
  if (id === "") {
    return {
      GET: () => answerList(call, kind, needs),
      POST: () => (kind === "payments" ? answerCreate(call, needs) : answerRefund(call, needs)),
    };
  }
  if (action === "") return { GET: () => answerRead(call, kind, id, needs) };
  if (kind === "refunds" || !(action === "capture" || action === "cancel")) return undefined;
  return { POST: () => answerChange(call, id, action, needs) };
}

/** The shop whose number and key came with the request. */
function shopOf(request: Request, shops: ReadonlyMap<string, string>): string | undefined {
  const [, encoded = ""] = /^Basic ([A-Za-z0-9+/=]+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
  const [shopId = "", ...rest] = Buffer.from(encoded, "base64").toString().split(":");
  const secretKey = shops.get(shopId);
  return secretKey !== undefined && rest.join(":") === secretKey ? shopId : undefined;
}

function noteOf(request: Request, url: URL, now: Date): EmulatedCall {
  return {
    at: now.toISOString(),
    method: request.method,
    path: url.pathname.slice(YOOKASSA_BASE_PATH.length),
    status: 0,
    idempotenceKey: request.headers.get(IDEMPOTENCE_HEADER),
    replayed: false,
    fault: null,
    requestId: request.headers.get("x-request-id"),
  };
}
