import { createWords, type WordTable } from "../kit/words.ts";

const en = {
  title: "Pictures",
  all: "All",
  fitting: "Try-ons",
  editing: "Edits",
  show: "Show",
  empty: "Your pictures will be here.",
  gone: "This picture is no longer here.",
  send: "Send to chat",
  sent: "It is on its way to your chat with the bot.",
  download: "Download",
  again: "Make it again",
  edit_this: "Change something in it",
  delete_it: "Delete",
  delete_title: "Delete this picture?",
  delete_text: "It is gone for good then. What it cost is not returned.",
  deleted: "The picture is deleted.",
  watermarked: "Made by a free action, so it carries a watermark. A purchase takes it off.",
  a_fitting: "Try-on, {when}",
  an_edit: "Edit, {when}",
  asked: "What was asked",
} as const;
type Key = keyof typeof en;

const ru: WordTable<Key> = {
  title: "Картинки",
  all: "Все",
  fitting: "Примерки",
  editing: "Правки",
  show: "Показать",
  empty: "Здесь будут ваши картинки.",
  gone: "Этой картинки больше нет.",
  send: "Отправить в чат",
  sent: "Отправляем в ваш чат с ботом.",
  download: "Скачать",
  again: "Повторить",
  edit_this: "Изменить что-нибудь",
  delete_it: "Удалить",
  delete_title: "Удалить картинку?",
  delete_text: "Вернуть её будет нельзя. Потраченное на неё не возвращается.",
  deleted: "Картинка удалена.",
  watermarked: "Сделана бесплатным действием, поэтому с водяным знаком. Покупка его уберёт.",
  a_fitting: "Примерка, {when}",
  an_edit: "Правка, {when}",
  asked: "Что было заказано",
};

export const pictureWords = createWords<Key>({ ru, en });
export const pictureTables = { ru, en };
