import type { Language } from "../profile/index.ts";

/**
 * What a message is about, which decides who hears it and how soon.
 * - `reply`: an answer to what somebody just wrote to the bot
 * - `results`: pictures; the person may switch them off
 * - `account`: money and subscriptions; always sent
 * - `owner`: something that the owner must look at
 * - `news`: everything else; the person may switch it off
 */
export type MessageTopic = "reply" | "results" | "account" | "owner" | "news";

interface Message extends Record<Language, string> {
  topic: MessageTopic;
  /** Whether a button that opens the Mini App stands below it. */
  button: boolean;
}

/**
 * Every message to people, in both languages: plain text, no markup. A text takes parameters (message-text.ts):
 *
 *   {plan}                            the words as they are
 *   {credits:credit|credits}          a number with its noun; in Russian three forms (кредит|кредита|кредитов)
 *   {amount_kopecks:roubles}          kopecks as roubles
 *   {until:date}                      a moment (ISO 8601) as a day of Moscow's calendar
 *   {code:failure}                    the sentence for a failure code
 *
 * Both languages take the same parameters; `test/features/notifications` walks all keys. Stored rows name the keys, so a
 * key never changes its meaning.
 */
export const messages = {
  picture_ready: {
    topic: "results",
    button: true,
    en: "Your picture is ready.",
    ru: "Ваша картинка готова.",
  },
  picture_sent: {
    topic: "reply",
    button: true,
    en: "Here is your picture.",
    ru: "Вот ваша картинка.",
  },
  picture_failed: {
    topic: "results",
    button: true,
    en: "The picture could not be made. {code:failure}\n\nYou were not charged.",
    ru: "Картинку сделать не удалось. {code:failure}\n\nС вас ничего не списано.",
  },
  payment_succeeded: {
    topic: "account",
    button: true,
    en: "Paid: {amount_kopecks:roubles}. You got {credits:credit|credits}. Thank you!",
    ru: "Оплата прошла: {amount_kopecks:roubles}. Вам начислено: {credits:кредит|кредита|кредитов}. Спасибо!",
  },
  payment_refunded: {
    topic: "account",
    button: false,
    en: "{amount_kopecks:roubles} went back to the card or account you paid from. Banks show it within a few days.",
    ru: "Мы вернули {amount_kopecks:roubles} туда, откуда вы платили. Банк покажет деньги в течение нескольких дней.",
  },
  subscription_started: {
    topic: "account",
    button: true,
    en: "The plan “{plan}” is active until {until:date}. You got {credits:credit|credits}.",
    ru: "Тариф «{plan}» действует до {until:date}. Вам начислено: {credits:кредит|кредита|кредитов}.",
  },
  subscription_renewal_soon: {
    topic: "account",
    button: true,
    en: "On {at:date} the plan “{plan}” renews for {amount_kopecks:roubles}. You can switch renewal off in the app.",
    ru: "{at:date} тариф «{plan}» продлится, спишется {amount_kopecks:roubles}. Отключить продление можно в приложении.",
  },
  subscription_renewed: {
    topic: "account",
    button: true,
    en: "The plan “{plan}” was renewed for {amount_kopecks:roubles} and is active until {until:date}. You got {credits:credit|credits}.",
    ru: "Тариф «{plan}» продлён за {amount_kopecks:roubles} и действует до {until:date}. Вам начислено: {credits:кредит|кредита|кредитов}.",
  },
  subscription_payment_failed: {
    topic: "account",
    button: true,
    en: "The payment for the plan “{plan}” did not go through. We try again on {at:date}. You can also pay in the app.",
    ru: "Оплата тарифа «{plan}» не прошла. Мы попробуем ещё раз {at:date}. Можно оплатить и самостоятельно в приложении.",
  },
  subscription_ends: {
    topic: "account",
    button: true,
    en: "The plan “{plan}” ends on {until:date}. Renew it in the app so as not to lose its advantages.",
    ru: "Тариф «{plan}» заканчивается {until:date}. Продлите его в приложении, чтобы не потерять его преимущества.",
  },
  subscription_lapsed: {
    topic: "account",
    button: true,
    en: "The plan “{plan}” has ended. Free actions and credits you bought stay yours.",
    ru: "Тариф «{plan}» закончился. Бесплатные действия и купленные кредиты остаются у вас.",
  },
  low_balance: {
    topic: "news",
    button: true,
    en: "You have {credits:credit|credits} left, which is not enough for a try-on.",
    ru: "У вас осталось: {credits:кредит|кредита|кредитов}. На примерку этого не хватит.",
  },
  referral_reward: {
    topic: "news",
    button: true,
    en: "A friend you invited has joined in: you got {credits:credit|credits}. Thank you!",
    ru: "Приглашённый вами друг присоединился: вам начислено {credits:кредит|кредита|кредитов}. Спасибо!",
  },
  promo_credits: {
    topic: "account",
    button: true,
    en: "The promo code worked: you got {credits:credit|credits}.",
    ru: "Промокод сработал: вам начислено {credits:кредит|кредита|кредитов}.",
  },
  promo_plan: {
    topic: "account",
    button: true,
    en: "The promo code worked: the plan “{plan}” is yours for {days:day|days}.",
    ru: "Промокод сработал: тариф «{plan}» ваш на {days:день|дня|дней}.",
  },
  operator_message: {
    topic: "account",
    button: true,
    en: "From support:\n\n{text}",
    ru: "От поддержки:\n\n{text}",
  },
  broadcast: {
    topic: "news",
    button: true,
    en: "{text}\n\nNews can be switched off in the app.",
    ru: "{text}\n\nНовости можно отключить в приложении.",
  },
  welcome: {
    topic: "reply",
    button: true,
    en: "Hello! Here you can try on clothes from any photo and change pictures just by talking. Open the app to begin.",
    ru: "Здравствуйте! Здесь можно примерить вещь с любого фото и менять картинки, просто разговаривая. Откройте приложение, чтобы начать.",
  },
  help: {
    topic: "reply",
    button: true,
    en: "Everything happens in the app: upload a photo of yourself and one of the item, or talk to the assistant about a photo.\n\n/start: begin\n/help: this text\n/paysupport: questions about payments",
    ru: "Всё происходит в приложении: загрузите своё фото и фото вещи или поговорите с ассистентом о картинке.\n\n/start: начать\n/help: этот текст\n/paysupport: вопросы об оплате",
  },
  paysupport: {
    topic: "reply",
    button: true,
    en: "Questions about a payment or a refund: {contact}. Name the payment's number, which stands in the app under payments.",
    ru: "Вопросы об оплате и возврате: {contact}. Укажите номер платежа, он есть в приложении в разделе платежей.",
  },
  paysupport_without_contact: {
    topic: "reply",
    button: true,
    en: "Your payments and their numbers stand in the app. The contact for questions about a payment or a refund stands in this bot's description.",
    ru: "Ваши платежи и их номера есть в приложении. Контакт для вопросов об оплате и возврате указан в описании этого бота.",
  },
  owner_alert: {
    topic: "owner",
    button: false,
    en: "Look at this ({level}): {reason}\n{details}",
    ru: "Обратите внимание ({level}): {reason}\n{details}",
  },
  owner_alert_again: {
    topic: "owner",
    button: false,
    en: "Look at this ({level}): {reason}\n{details}\n\nThe same happened {suppressed:more time|more times} since the last message.",
    ru: "Обратите внимание ({level}): {reason}\n{details}\n\nС прошлого сообщения то же случилось ещё {suppressed:раз|раза|раз}.",
  },
} as const satisfies Record<string, Message>;

export type MessageKey = keyof typeof messages;
export const MESSAGE_KEYS = Object.keys(messages) as MessageKey[];

type Placeholders<Text extends string> = Text extends `${string}{${infer Inside}}${infer Rest}`
  ? (Inside extends `${infer Name}:${string}` ? Name : Inside) | Placeholders<Rest>
  : never;

/** What a message's text asks for: words, numbers, and moments as ISO 8601. Never a photo, a prompt or a name. */
export type MessageParameters<Key extends MessageKey = MessageKey> = Key extends MessageKey
  ? { readonly [Name in Placeholders<(typeof messages)[Key]["en"]>]: string | number }
  : never;

/** A message that fits its key. */
export type MessageContent = { [Key in MessageKey]: { key: Key; parameters: MessageParameters<Key> } }[MessageKey];

/** The words of the button below a message. */
export const OPEN_APP: Record<Language, string> = { en: "Open the app", ru: "Открыть приложение" };

/** The words over a picture that a free action paid for; the same in both languages, so that it is recognised. */
export const WATERMARK_TEXT = "atelier";
