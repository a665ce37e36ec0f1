import type { WordTable } from "../kit/words.ts";

const en = {
  catalogue: "Catalogue",
  products: "What is sold",
  actions: "What is done",
  price: "Price",
  sold: "Sold",
  cost_if_used: "Costs if used up",
  spent: "Spent",
  cost_each: "Each costs",
  credit_cost: "A used credit costs",
  free_cost: "Free actions cost",
  done_times: "Times",
  paid_by: "Paid by",
  paid_by_plan: "plan",
  paid_by_pack: "packs",
  paid_by_given: "gifts",
  paid_by_free: "free",
  loses: "Costs more than it brings: {products}. Raise the price or give fewer credits.",
  no_shop: "Nothing can be bought: YooKassa is not set up.",
} as const;

const ru: WordTable<keyof typeof en> = {
  catalogue: "Каталог",
  products: "Что продаётся",
  actions: "Что делается",
  price: "Цена",
  sold: "Продано",
  cost_if_used: "Расход, если потратят всё",
  spent: "Расход",
  cost_each: "Одно стоит",
  credit_cost: "Потраченный кредит стоит",
  free_cost: "Бесплатное стоит",
  done_times: "Раз",
  paid_by: "Чем оплачено",
  paid_by_plan: "подписка",
  paid_by_pack: "пакеты",
  paid_by_given: "подарки",
  paid_by_free: "бесплатно",
  loses: "Обходится дороже, чем приносит: {products}. Поднимите цену или давайте меньше кредитов.",
  no_shop: "Купить ничего нельзя: ЮKassa не настроена.",
};

export const salesTables = { ru, en };
