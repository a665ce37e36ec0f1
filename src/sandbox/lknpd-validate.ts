import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { after, type Clock, MINUTE_MS } from "../platform/clock.ts";
import { CANCEL_COMMENTS } from "../providers/lknpd/wire.ts";
import { LKNPD_REFUSALS, type LknpdRefusal } from "./lknpd-faults.ts";

const NAME_CHARACTERS_MAX = 256;
/** Clocks differ a little. */
const FUTURE_MS_MAX = MINUTE_MS;
/** A moment as the cabinet takes it: with an offset, never a bare date. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

const money = Type.Union([Type.Number(), Type.String()]);
const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const IncomeOrder = Type.Object({
  operationTime: Type.String(),
  requestTime: Type.String(),
  services: Type.Array(Type.Object({ name: Type.String(), amount: money, quantity: Type.Integer({ minimum: 1 }) }), {
    minItems: 1,
  }),
  totalAmount: money,
  client: Type.Object({ contactPhone: text, displayName: text, incomeType: Type.String(), inn: text }),
  paymentType: Type.Union([Type.Literal("CASH"), Type.Literal("ACCOUNT")]),
  ignoreMaxTotalIncomeRestriction: Type.Optional(Type.Boolean()),
});
const CancelOrder = Type.Object({
  receiptUuid: Type.String(),
  comment: Type.String(),
  operationTime: Type.String(),
  requestTime: Type.String(),
});

export type IncomeType = "FROM_INDIVIDUAL" | "FROM_LEGAL_ENTITY" | "FROM_FOREIGN_AGENCY";

export interface ValidIncome {
  operationTime: string;
  requestTime: string;
  services: { name: string; amountKopecks: number; quantity: number }[];
  totalKopecks: number;
  incomeType: IncomeType;
  clientInn: string | null;
  clientName: string | null;
  paymentType: "CASH" | "ACCOUNT";
  ignoresYearLimit: boolean;
}

export interface ValidCancel {
  receiptUuid: string;
  comment: string;
  operationTime: string;
}

export function invalid(message: string): LknpdRefusal {
  return { ...LKNPD_REFUSALS["400_validation"], message };
}

/** Reads the body of `POST /income`, or says why it is refused. */
export function readIncome(body: unknown, clock: Clock): ValidIncome | LknpdRefusal {
  const fault = Value.Errors(IncomeOrder, body).First();
  if (fault !== undefined || !Value.Check(IncomeOrder, body)) return invalid(`Некорректное поле ${fault?.path ?? ""}`);
  const time = timeProblem(body.operationTime, clock) ?? timeProblem(body.requestTime, clock);
  if (time !== undefined) return time;
  const services = body.services.map(({ name, amount, quantity }) => ({
    name,
    quantity,
    amountKopecks: kopecks(amount),
  }));
  for (const { name, amountKopecks } of services) {
    if (name.trim() === "" || name.length > NAME_CHARACTERS_MAX) return invalid("Некорректное наименование услуги");
    if (amountKopecks === undefined || amountKopecks === 0) return invalid("Некорректная стоимость услуги");
  }
  const totalKopecks = services.reduce((sum, one) => sum + (one.amountKopecks ?? 0) * one.quantity, 0);
  if (kopecks(body.totalAmount) !== totalKopecks) return invalid("Сумма чека не равна стоимости услуг");
  const client = clientProblem(body.client);
  if (client !== undefined) return client;
  return {
    operationTime: body.operationTime,
    requestTime: body.requestTime,
    services: services as ValidIncome["services"],
    totalKopecks,
    incomeType: body.client.incomeType as IncomeType,
    clientInn: body.client.inn ?? null,
    clientName: body.client.displayName ?? null,
    paymentType: body.paymentType,
    ignoresYearLimit: body.ignoreMaxTotalIncomeRestriction === true,
  };
}

/** Reads the body of `POST /cancel`, or says why it is refused. */
export function readCancel(body: unknown, clock: Clock): ValidCancel | LknpdRefusal {
  if (!Value.Check(CancelOrder, body)) return invalid("Некорректный запрос");
  const time = timeProblem(body.operationTime, clock) ?? timeProblem(body.requestTime, clock);
  if (time !== undefined) return time;
  const known: readonly string[] = Object.values(CANCEL_COMMENTS);
  if (!known.includes(body.comment)) return invalid("Некорректная причина аннулирования");
  return { receiptUuid: body.receiptUuid, comment: body.comment, operationTime: body.operationTime };
}

/** A moment of a filter; undefined for a bare date and everything else that the cabinet cannot read. */
export function momentOf(text: string): Date | undefined {
  const moment = MOMENT.test(text) ? new Date(text) : undefined;
  return moment === undefined || Number.isNaN(moment.getTime()) ? undefined : moment;
}

function timeProblem(text: string, clock: Clock): LknpdRefusal | undefined {
  const moment = momentOf(text);
  if (moment === undefined) return invalid("Некорректная дата");
  return moment > after(clock.now(), FUTURE_MS_MAX) ? invalid("Дата операции не может быть в будущем") : undefined;
}

function clientProblem(client: { incomeType: string; inn?: string | null; displayName?: string | null }) {
  const hasName = (client.displayName ?? "").trim() !== "";
  if (client.incomeType === "FROM_INDIVIDUAL") return undefined;
  if (client.incomeType === "FROM_LEGAL_ENTITY") {
    const isRight = hasName && /^(\d{10}|\d{12})$/.test(client.inn ?? "");
    return isRight ? undefined : invalid("Не указан ИНН или название организации");
  }
  if (client.incomeType !== "FROM_FOREIGN_AGENCY") return invalid("Некорректный тип дохода");
  return hasName ? undefined : invalid("Не указано название организации");
}

/** Roubles as a number or a text, with two digits at most behind the point. */
function kopecks(amount: number | string): number | undefined {
  const [, roubles, digits = ""] = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(String(amount)) ?? [];
  return roubles === undefined ? undefined : Number(roubles) * 100 + Number(digits.padEnd(2, "0"));
}
