import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { textToKopecks } from "../platform/money.ts";
import { moscowTime } from "../platform/moscow.ts";
import { CANCEL_COMMENTS } from "../providers/lknpd/wire.ts";
import type { LknpdAccounts } from "./lknpd-accounts.ts";
import type { BookedReceipt, LknpdBooks } from "./lknpd-books.ts";
import type { ShiftedClock } from "./shifted-clock.ts";

/** What only a sandbox has, by HTTP: the owner's hands in the app, the clock, the settings. */
export const LKNPD_CABINET_PATHS = ["_register", "_annul", "_clock", "_settings", "_sms"];

const closed = { additionalProperties: false };
const Orders = {
  _register: Type.Object({ name: Type.String(), amount: Type.String(), at: Type.Optional(Type.String()) }, closed),
  _annul: Type.Object({ reason: Type.Optional(Type.Union([Type.Literal("refund"), Type.Literal("mistake")])) }, closed),
  _clock: Type.Object({ advance_ms: Type.Integer({ minimum: 0 }) }, closed),
  _settings: Type.Object(
    {
      password: Type.Optional(Type.String({ minLength: 1 })),
      blockedDevices: Type.Optional(Type.Array(Type.String())),
      yearLimitKopecks: Type.Optional(Type.Integer({ minimum: 0 })),
      deductionKopecks: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    closed,
  ),
  _sms: Type.Object({ phone: Type.String() }, closed),
};
type Order<Name extends keyof typeof Orders> = Static<(typeof Orders)[Name]>;

export interface LknpdLimits {
  yearLimitKopecks: number;
  /** The one-time deduction. */
  deductionKopecks: number;
}

export interface LknpdCabinetNeeds {
  inn: string;
  clock: ShiftedClock;
  accounts: LknpdAccounts;
  books: LknpdBooks;
  limits: LknpdLimits;
}

/** What the owner does by hand in the app, and a test with the emulator; each throws an Error with a sentence. */
export interface LknpdCabinet {
  /** A receipt typed in by hand; returns its number. */
  register(order: Order<"_register">): string;
  annul(number: string, order?: Order<"_annul">): void;
  advance(ms: number): void;
  configure(settings: Order<"_settings">): void;
}

export function createLknpdCabinet({ inn, clock, accounts, books, limits }: LknpdCabinetNeeds): LknpdCabinet {
  return {
    register({ name, amount, at }) {
      const totalKopecks = textToKopecks(amount);
      if (totalKopecks === undefined) throw new Error('An amount is written like "149.00".');
      const operationTime = at ?? moscowTime(clock.now());
      return orThrow(
        books.register(
          { inn, deviceId: "by-hand" },
          {
            operationTime,
            requestTime: moscowTime(clock.now()),
            services: [{ name, amountKopecks: totalKopecks, quantity: 1 }],
            totalKopecks,
            incomeType: "FROM_INDIVIDUAL",
            clientInn: null,
            clientName: null,
            paymentType: "CASH",
            ignoresYearLimit: false,
          },
        ),
      ).number;
    },
    annul(number, { reason = "mistake" } = {}) {
      const operationTime = moscowTime(clock.now());
      orThrow(books.cancel(inn, { receiptUuid: number, comment: CANCEL_COMMENTS[reason], operationTime }));
    },
    advance: (ms) => clock.advance(ms),
    configure({ password, blockedDevices, ...changed }) {
      if (password !== undefined) accounts.setPassword(inn, password);
      if (blockedDevices !== undefined) {
        accounts.blocked.clear();
        for (const device of blockedDevices) accounts.blocked.add(device);
      }
      Object.assign(limits, changed);
    },
  };
}

/** Answers `/_register`, `/_clock` and the rest by HTTP: 200 with what became of it, 422 with a sentence. */
export async function answerLknpdCabinet(
  request: Request,
  cabinet: LknpdCabinet,
  accounts: LknpdAccounts,
): Promise<Response> {
  const [, name = "", number = ""] = new URL(request.url).pathname.split("/");
  if (request.method !== "POST") return Response.json({ detail: "Use POST." }, { status: 405 });
  try {
    const text = await request.text();
    return Response.json(carryOut(name, number, text === "" ? {} : JSON.parse(text), cabinet, accounts));
  } catch (error) {
    return Response.json({ detail: error instanceof Error ? error.message : String(error) }, { status: 422 });
  }
}

function carryOut(
  name: string,
  number: string,
  body: unknown,
  cabinet: LknpdCabinet,
  accounts: LknpdAccounts,
): unknown {
  switch (name) {
    case "_register":
      return { number: cabinet.register(checked("_register", body)) };
    case "_annul":
      cabinet.annul(number, checked("_annul", body));
      return { annulled: number };
    case "_clock":
      cabinet.advance(checked("_clock", body).advance_ms);
      return {};
    case "_sms":
      return { code: accounts.smsCode(checked("_sms", body).phone) ?? null };
    default:
      cabinet.configure(checked("_settings", body));
      return {};
  }
}

function checked<Name extends keyof typeof Orders>(name: Name, body: unknown): Order<Name> {
  const error = Value.Errors(Orders[name], body).First();
  if (error !== undefined) throw new Error(`The order is not right at "${error.path || "/"}": ${error.message}.`);
  return body as Order<Name>;
}

function orThrow(outcome: BookedReceipt | { message: string }): BookedReceipt {
  if ("number" in outcome) return outcome;
  throw new Error(outcome.message);
}
