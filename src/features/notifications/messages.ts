import type { Language } from "../profile/index.ts";

/** Every message to a person, in both languages. `test/features/notifications` walks all keys. */
const messages = {
  picture_ready: {
    en: "Your picture is ready. Open the app to see it.",
    ru: "Картинка готова. Откройте приложение, чтобы посмотреть.",
  },
  picture_failed: {
    en: "The picture could not be made. You were not charged.",
    ru: "Картинку сделать не удалось. С вас ничего не списано.",
  },
} as const satisfies Record<string, Record<Language, string>>;

export type MessageKey = keyof typeof messages;
export const MESSAGE_KEYS = Object.keys(messages) as MessageKey[];

/** The text of a message in the person's language. */
export function messageText(key: MessageKey, language: Language): string {
  return messages[key][language];
}

/** The words over a picture that a free action paid for; the same in both languages, so that it is recognised. */
export const WATERMARK_TEXT = "atelier";

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
