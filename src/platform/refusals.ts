/**
 * Every refusal that a client can meet: HTTP status, and the sentence a person reads, in both languages. The one place
 * for this wording. `code` is a contract and never changes; the sentences may.
 */
export interface RefusalText {
  status: number;
  title: string;
  en: string;
  ru: string;
}

const refusals = {
  unauthenticated: {
    status: 401,
    title: "Not signed in",
    en: "Please sign in again.",
    ru: "Войдите ещё раз.",
  },
  init_data_invalid: {
    status: 401,
    title: "Telegram sign-in data refused",
    en: "Telegram's sign-in data could not be verified. Open the app from Telegram again.",
    ru: "Данные входа из Telegram не прошли проверку. Откройте приложение из Telegram ещё раз.",
  },
  init_data_expired: {
    status: 401,
    title: "Telegram sign-in data expired",
    en: "This window was opened too long ago. Close it and reopen the app from Telegram.",
    ru: "Окно открыто слишком давно. Закройте его и откройте приложение из Telegram заново.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed",
    en: "You are not allowed to do this.",
    ru: "Это действие вам недоступно.",
  },
  banned: {
    status: 403,
    title: "Account blocked",
    en: "This account is blocked. Write to support through the bot.",
    ru: "Аккаунт заблокирован. Напишите в поддержку через бота.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    en: "There is nothing here, or it is no longer stored.",
    ru: "Здесь ничего нет, или это уже удалено.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    en: "This address does not take that method.",
    ru: "Этот адрес не поддерживает такой метод.",
  },
  validation_failed: {
    status: 422,
    title: "The request is not valid",
    en: "Some of the fields are not right. See the list of errors.",
    ru: "Некоторые поля заполнены неверно. Смотрите список ошибок.",
  },
  malformed_body: {
    status: 400,
    title: "The body cannot be read",
    en: "The body of the request could not be read.",
    ru: "Тело запроса не удалось прочитать.",
  },
  insufficient_credits: {
    status: 402,
    title: "Not enough credits",
    en: "There are not enough credits for this. You were not charged.",
    ru: "Не хватает кредитов. С вас ничего не списано.",
  },
  body_too_large: {
    status: 413,
    title: "The request is too large",
    en: "The request is too large.",
    ru: "Запрос слишком большой.",
  },
  address_too_long: {
    status: 414,
    title: "The address is too long",
    en: "The address of the request is too long.",
    ru: "Адрес запроса слишком длинный.",
  },
  file_too_large: {
    status: 413,
    title: "The file is too large",
    en: "A photo may have at most 5 MB.",
    ru: "Размер фото не должен превышать 5 МБ.",
  },
  file_type_unsupported: {
    status: 415,
    title: "The file type is not supported",
    en: "Send a photo as JPEG, PNG or WebP.",
    ru: "Отправьте фото в формате JPEG, PNG или WebP.",
  },
  media_type_unsupported: {
    status: 415,
    title: "The content type is not supported",
    en: "This address does not take that content type.",
    ru: "Этот адрес не принимает такой тип содержимого.",
  },
  file_corrupt: {
    status: 422,
    title: "The file is damaged",
    en: "The photo is damaged and cannot be read. Try another one.",
    ru: "Фото повреждено и не читается. Попробуйте другое.",
  },
  image_too_many_pixels: {
    status: 422,
    title: "The picture has too many pixels",
    en: "The photo is too large: at most 40 megapixels.",
    ru: "Фото слишком большое: не больше 40 мегапикселей.",
  },
  image_too_small: {
    status: 422,
    title: "The picture is too small",
    en: "The photo is too small: each side needs at least 64 pixels.",
    ru: "Фото слишком маленькое: каждая сторона не меньше 64 пикселей.",
  },
  photo_expired: {
    status: 410,
    title: "The photo is no longer stored",
    en: "This photo was deleted after its storage time. Upload it again.",
    ru: "Срок хранения фото истёк, и оно удалено. Загрузите его ещё раз.",
  },
  consent_required: {
    status: 403,
    title: "The terms are not accepted",
    en: "Please accept the terms first. Then this works.",
    ru: "Сначала примите условия использования. После этого всё заработает.",
  },
  terms_changed: {
    status: 409,
    title: "Another version of the terms is in force",
    en: "The terms have changed. Please read them again and accept the new version.",
    ru: "Условия использования изменились. Прочитайте их ещё раз и примите новую версию.",
  },
  prompt_refused: {
    status: 422,
    title: "The text was refused",
    en: "This text cannot be used for a picture. Please phrase it differently. You were not charged.",
    ru: "С таким текстом картинку сделать нельзя. Сформулируйте иначе. С вас ничего не списано.",
  },
  upload_too_slow: {
    status: 408,
    title: "The upload took too long",
    en: "The upload took too long. Check the connection and try again.",
    ru: "Загрузка шла слишком долго. Проверьте соединение и попробуйте ещё раз.",
  },
  too_many_active_generations: {
    status: 429,
    title: "Too many pictures at once",
    en: "Wait until one of the pictures in work is ready. You were not charged.",
    ru: "Дождитесь готовности одной из картинок. С вас ничего не списано.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    en: "Too many requests. Wait a moment and try again.",
    ru: "Слишком много запросов. Подождите немного и попробуйте снова.",
  },
  generation_unavailable: {
    status: 503,
    title: "Pictures cannot be made right now",
    en: "Pictures cannot be made right now. Try again a little later. You were not charged.",
    ru: "Сейчас картинки сделать нельзя. Попробуйте немного позже. С вас ничего не списано.",
  },
  assistant_unavailable: {
    status: 503,
    title: "The assistant cannot answer right now",
    en: "The assistant cannot answer right now. Try again a little later. You were not charged.",
    ru: "Ассистент сейчас не отвечает. Попробуйте немного позже. С вас ничего не списано.",
  },
  payment_provider_unavailable: {
    status: 503,
    title: "Payments are not possible right now",
    en: "The payment service does not answer right now. Try again in a moment; a second tap does not make a second order.",
    ru: "Платёжный сервис сейчас не отвечает. Попробуйте чуть позже: повторное нажатие не создаст второй заказ.",
  },
  storage_unavailable: {
    status: 503,
    title: "Pictures cannot be stored or read right now",
    en: "Pictures cannot be stored or opened right now. Please try again in a moment. You were not charged.",
    ru: "Сейчас не получается сохранить или открыть картинки. Попробуйте через минуту. С вас ничего не списано.",
  },
  plan_not_now: {
    status: 409,
    title: "This plan begins later",
    en: "A dearer plan is running. Choose the cheaper one for the time after it; nothing is charged now.",
    ru: "Сейчас действует более дорогой тариф. Выберите дешёвый на время после него: сейчас ничего не спишется.",
  },
  upgrade_needs_payment: {
    status: 409,
    title: "This plan has to be paid",
    en: "A dearer plan begins as soon as it is paid. Buy it; what is unused of the present one is counted.",
    ru: "Более дорогой тариф начнётся сразу после оплаты. Купите его: неиспользованное по текущему зачтётся.",
  },
  no_subscription: {
    status: 409,
    title: "No subscription",
    en: "There is no subscription that this could change.",
    ru: "Нет подписки, которую можно было бы изменить.",
  },
  no_stored_method: {
    status: 409,
    title: "No stored card",
    en: "No card is stored for renewals. Renew by paying again.",
    ru: "Карта для продления не сохранена. Продлите подписку новой оплатой.",
  },
  busy: {
    status: 503,
    title: "The server is busy",
    en: "The server is busy. Try again in a moment.",
    ru: "Сервер занят. Попробуйте через мгновение.",
  },
  database_unavailable: {
    status: 503,
    title: "The server cannot work right now",
    en: "The server cannot work for a moment. Try again shortly; what you have paid for is safe.",
    ru: "Сервер ненадолго недоступен. Повторите чуть позже: всё оплаченное на месте.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency key used for another request",
    en: "This Idempotency-Key was already used with another request.",
    ru: "Этот Idempotency-Key уже использован с другим запросом.",
  },
  request_in_progress: {
    status: 409,
    title: "The same request is still running",
    en: "The same request is still being carried out. Ask again in a moment.",
    ru: "Такой же запрос ещё выполняется. Повторите через мгновение.",
  },
  already_finished: {
    status: 409,
    title: "Already finished",
    en: "This is already finished.",
    ru: "Это уже завершено.",
  },
  generation_active: {
    status: 409,
    title: "Still in work",
    en: "This picture is still in work. Wait for it or cancel it first.",
    ru: "Эта картинка ещё делается. Дождитесь её или сначала отмените.",
  },
  bot_cannot_write: {
    status: 409,
    title: "The bot may not write to you",
    en: "The bot may not write to you. Open the chat with the bot, press Start and try again.",
    ru: "Бот не может вам написать. Откройте чат с ботом, нажмите «Запустить» и попробуйте ещё раз.",
  },
  broadcast_not_ready: {
    status: 409,
    title: "The broadcast cannot do that now",
    en: "A draft is sent to yourself first, then started; only a running broadcast can be stopped.",
    ru: "Сначала отправьте черновик себе, потом запускайте; остановить можно только идущую рассылку.",
  },
  promo_unknown: {
    status: 404,
    title: "No such promo code",
    en: "There is no such code. Check the spelling.",
    ru: "Такого промокода нет. Проверьте, нет ли опечатки.",
  },
  promo_expired: {
    status: 410,
    title: "The promo code is over",
    en: "This code is no longer valid.",
    ru: "Этот промокод больше не действует.",
  },
  promo_used: {
    status: 409,
    title: "The promo code was used before",
    en: "You have already used this code.",
    ru: "Вы уже использовали этот промокод.",
  },
  promo_exhausted: {
    status: 409,
    title: "The promo code is used up",
    en: "All uses of this code are taken.",
    ru: "Все активации этого промокода уже использованы.",
  },
  internal_error: {
    status: 500,
    title: "Something went wrong",
    en: "Something went wrong on our side. If it goes on, tell support the request number.",
    ru: "Что-то сломалось на нашей стороне. Если повторится, сообщите поддержке номер запроса.",
  },
} as const satisfies Record<string, RefusalText>;

export type RefusalCode = keyof typeof refusals;

/** The texts and the status of a refusal. */
export function refusalText(code: RefusalCode): RefusalText {
  return refusals[code];
}

/** Every code, for the API's description and for tests. */
export const REFUSAL_CODES = Object.keys(refusals) as RefusalCode[];
