import { EXECUTED_MODES, TRANSPORT_MODES } from "./disturb.ts";
import type { FaultCatalogue } from "./faults.ts";

/** A refusal as the cabinet writes it: usually an object, sometimes a bare text, sometimes a page. */
export interface LknpdRefusal {
  status: number;
  code?: string;
  message: string;
  /** The body is the message alone, as JSON. */
  isBare?: boolean;
}

const refusal = (status: number, code: string, message: string): LknpdRefusal => ({ status, code, message });

export const LKNPD_REFUSALS = {
  "400_validation": refusal(400, "validation.failed", "Ошибка валидации"),
  "400_unregistered": refusal(400, "taxpayer.unregistered", "Налогоплательщик не зарегистрирован"),
  "401": refusal(401, "authentication.failed", "Ошибка аутентификации"),
  "401_device": refusal(401, "authentication.failed", "Устройство заблокировано"),
  "401_none": refusal(401, "Not Authenticated", "Not Authenticated"),
  "403": refusal(403, "forbidden", "Доступ запрещен"),
  "404": { status: 404, message: "не найдено", isBare: true },
  "406": refusal(406, "not.acceptable", "Not Acceptable"),
  "422_login": refusal(422, "validation.failed", "Не передан ИНН ЛКФЛ"),
  "422_password": refusal(422, "authentication.failed", "Указан неверный логин или пароль"),
  "422_phone": refusal(422, "validation.failed", "Указан неверный номер телефона"),
  "422_receipt": refusal(422, "receipt.not.found", "Чек не найден"),
  "429": refusal(429, "too.many.requests", "Слишком много запросов"),
  "500": { status: 500, message: "Внутренняя ошибка. Попробуйте еще раз" },
} as const satisfies Record<string, LknpdRefusal>;

const REFUSAL_MODES = Object.keys(LKNPD_REFUSALS).map((key) => `http_${key}`);
const CALL_MODES = [...TRANSPORT_MODES, ...REFUSAL_MODES, "html_503", "unknown_shape"];
const WRITE_MODES = [...CALL_MODES, ...EXECUTED_MODES, "executed_500", "executed_html_503", "empty"];

/** The refusal behind a mode such as `http_429`. */
export function lknpdRefusalBehind(mode: string): LknpdRefusal | undefined {
  const key = mode.replace(/^http_/, "");
  return REFUSAL_MODES.includes(mode) ? LKNPD_REFUSALS[key as keyof typeof LKNPD_REFUSALS] : undefined;
}

export const LKNPD_FAULTS: FaultCatalogue = {
  "lknpd.login": { about: "POST /auth/lkfl.", modes: CALL_MODES },
  "lknpd.refresh": { about: "POST /auth/token.", modes: CALL_MODES },
  "lknpd.session": {
    about:
      "The next call under a login: dead refuses the token as if its hour were over, revoked ends it and its renewal.",
    modes: ["dead", "revoked"],
  },
  "lknpd.income": {
    about:
      "POST /income. executed_*, half_body, unknown_shape and empty register the sale and lose the answer; the others do not register it.",
    modes: WRITE_MODES,
  },
  "lknpd.cancel": { about: "POST /cancel, with the same modes.", modes: WRITE_MODES },
  "lknpd.incomes": { about: "GET /incomes.", modes: CALL_MODES },
  "lknpd.receipt": { about: "GET /receipt/.../json.", modes: CALL_MODES },
  "lknpd.user": { about: "GET /user.", modes: CALL_MODES },
  "lknpd.visible": {
    about: "The next receipt is missing in lists for delayMs of the emulator's clock (5 minutes).",
    modes: ["late"],
  },
  "lknpd.filter": {
    about: "Lists go by the time of registration, not of the sale; nobody has shown which.",
    modes: ["by_registration"],
  },
  "lknpd.times": {
    about: "Lists give back the time of the sale without its seconds; nobody has shown that they keep them.",
    modes: ["to_the_minute"],
  },
  "lknpd.edge": {
    about: "The edge in front of every call.",
    modes: ["edge_1010", "edge_502", "edge_504", "reset", "hang", "delay"],
  },
};
