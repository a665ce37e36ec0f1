export {
  createPromoCode,
  listPromoCodes,
  normalCode,
  type PromoCode,
  type PromoEffect,
  promoStateOf,
  stopPromoCode,
} from "./codes.ts";
export { promoCodes, promoUses } from "./tables.ts";
