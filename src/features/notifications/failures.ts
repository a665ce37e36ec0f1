import type { Language } from "../profile/index.ts";

/** Why a picture was not made, as a person reads it, by the stable code that stands in the row. */
const failures = {
  moderated: {
    en: "The service that makes the pictures refused this photo or text by its rules. Try others.",
    ru: "Сервис отказался обрабатывать это фото или текст по своим правилам. Попробуйте другие.",
  },
  provider_refused: {
    en: "No picture came out of this. Try another photo or other words.",
    ru: "Из этого картинка не получилась. Попробуйте другое фото или другие слова.",
  },
  provider_unavailable: {
    en: "The service that makes the pictures does not work right now. Try again later.",
    ru: "Сервис, который делает картинки, сейчас не работает. Попробуйте позже.",
  },
  timed_out: {
    en: "The picture took too long and was given up. Try again.",
    ru: "Картинка делалась слишком долго, и мы её прервали. Попробуйте ещё раз.",
  },
  result_unreadable: {
    en: "The finished picture could not be read. Try again.",
    ru: "Готовую картинку не удалось прочитать. Попробуйте ещё раз.",
  },
  photo_expired: {
    en: "The photo was deleted after its storage time. Upload it again.",
    ru: "Срок хранения фото истёк, и оно удалено. Загрузите его ещё раз.",
  },
  internal_error: {
    en: "Something went wrong on our side. Try again.",
    ru: "Что-то сломалось на нашей стороне. Попробуйте ещё раз.",
  },
} as const satisfies Record<string, Record<Language, string>>;

export type FailureCode = keyof typeof failures;
export const FAILURE_CODES = Object.keys(failures) as FailureCode[];

/** The sentence for a failure code; a code of another version reads as a fault of ours. */
export function failureText(code: string, language: Language): string {
  return (failures[code as FailureCode] ?? failures.internal_error)[language];
}
