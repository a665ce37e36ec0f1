import { createWords, type WordTable } from "./words.ts";

/** What every page says: of waiting, of nothing, of what went wrong. */
const en = {
  loading: "Loading…",
  nothing: "Nothing here yet",
  more: "Show more",
  again: "Try again",
  close: "Close",
  cancel: "Cancel",
  no_answer: "No answer came",
  no_answer_hint: "Check the connection and try again. Nothing was lost: what the server took, it did.",
  failed: "That did not work",
  request: "Request {id}",
  hint_forbidden: "Your role does not allow it. Ask an owner.",
  hint_unauthenticated: "The session has ended. Sign in again.",
  hint_rate_limited: "Wait {count} s and try again.",
  hint_bug: "Try again. If it stays, tell the operator the number of the request.",
  chart_empty: "No data for this time",
  chart_numbers: "{title}: in numbers",
} as const;
type Key = keyof typeof en;

const ru: WordTable<Key> = {
  loading: "Загружаем…",
  nothing: "Пока ничего нет",
  more: "Показать ещё",
  again: "Повторить",
  close: "Закрыть",
  cancel: "Отмена",
  no_answer: "Ответ не пришёл",
  no_answer_hint: "Проверьте связь и повторите. Ничего не потеряно: что сервер принял, то сделал.",
  failed: "Не получилось",
  request: "Запрос {id}",
  hint_forbidden: "Ваша роль этого не позволяет. Попросите владельца.",
  hint_unauthenticated: "Сеанс закончился. Войдите снова.",
  hint_rate_limited: "Подождите {count} с и повторите.",
  hint_bug: "Повторите. Если не поможет, сообщите оператору номер запроса.",
  chart_empty: "За это время данных нет",
  chart_numbers: "{title}: числами",
};

export const common = createWords<Key>({ ru, en });
