import type { WordTable } from "../kit/words.ts";

const en = {
  health_ok: "fine",
  health_warning: "look at it",
  health_failed: "broken",
  checks: "Checks",
  says: "Says",
  ms: "ms",
  alerts: "Alerts of the last day",
  alerts_none: "No alerts",
  operators: "Operators",
  given_by: "Given by",
  maintenance: "Maintenance",
  maintenance_on: "New pictures are refused",
  maintenance_off: "Off: new pictures are taken.",
  maintenance_by_setting: "The server was started with MAINTENANCE=on; no switch takes that back.",
  maintenance_begin: "Begin maintenance",
  maintenance_end: "End maintenance",
  maintenance_begun: "Maintenance has begun",
  maintenance_ended: "Maintenance is over",
  maintenance_hint:
    "New pictures and messages to the assistant are refused within seconds. What runs is finished, and everything else works.",
  maintenance_notice_hint: "What people read instead of the usual sentence. May stay empty.",
} as const;

const ru: WordTable<keyof typeof en> = {
  health_ok: "в порядке",
  health_warning: "посмотрите",
  health_failed: "сломано",
  checks: "Проверки",
  says: "Что говорит",
  ms: "мс",
  alerts: "Тревоги за сутки",
  alerts_none: "Тревог нет",
  operators: "Операторы",
  given_by: "Откуда роль",
  maintenance: "Обслуживание",
  maintenance_on: "Новые картинки не принимаются",
  maintenance_off: "Выключено: новые картинки принимаются.",
  maintenance_by_setting: "Сервер запущен с MAINTENANCE=on; переключатель этого не отменит.",
  maintenance_begin: "Начать обслуживание",
  maintenance_end: "Закончить обслуживание",
  maintenance_begun: "Обслуживание началось",
  maintenance_ended: "Обслуживание закончено",
  maintenance_hint:
    "Новые картинки и сообщения помощнику получат отказ через несколько секунд. Начатое будет закончено, всё остальное работает.",
  maintenance_notice_hint: "Что прочтут люди вместо обычной фразы. Можно оставить пустым.",
};

export const serverTables = { ru, en };
