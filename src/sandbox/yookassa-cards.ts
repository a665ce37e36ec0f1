/** A card of YooKassa's test shop, and what becomes of a payment with it. */
export interface TestCard {
  number: string;
  scheme: "MasterCard" | "Visa" | "Mir";
  /** The payer is asked for a code first. */
  threeDs: boolean;
  decline?: Decline;
}

export interface Decline {
  party: string;
  reason: string;
}

const card = (number: string, scheme: TestCard["scheme"], threeDs: boolean): TestCard => ({ number, scheme, threeDs });

/** Cards that pay. */
export const GOOD_CARDS: readonly TestCard[] = [
  card("5555555555554444", "MasterCard", false),
  card("5555555555554477", "MasterCard", true),
  card("4111111111111111", "Visa", false),
  card("4793128161644804", "Visa", true),
  card("2202474301322987", "Mir", false),
  card("2200000000000004", "Mir", true),
];

/** Reason, then the cards of MasterCard, Visa and Mir that are declined for it. */
const DECLINES: readonly (readonly [reason: string, ...numbers: string[]])[] = [
  ["3d_secure_failed", "5555555555554592", "4839665499603842", "2200000000000012"],
  ["call_issuer", "5555555555554535", "4926946416239025", "2200000000000020"],
  ["card_expired", "5555555555554543", "4141435412630840", "2200000000000038"],
  ["fraud_suspected", "5555555555554568", "4483274282299972", "2200000000000046"],
  ["general_decline", "5555555555554527", "4889971706588753", "2202202212312379"],
  ["insufficient_funds", "5555555555554600", "4562265587712390", "2200000000000053"],
  ["invalid_card_number", "5555555555554618", "4951017853630544", "2201382000000013"],
  ["invalid_csc", "5555555555554626", "4194180666146368", "2200770212727079"],
  ["issuer_unavailable", "5555555555554501", "4654130848359150", "2201382000000021"],
  ["payment_method_limit_exceeded", "5555555555554576", "4565231022577548", "2201382000000039"],
  ["payment_method_restricted", "5555555555554550", "4233961169071671", "2201382000000047"],
];
/** The same, refused by YooKassa itself. */
const REFUSED_BY_YOOKASSA: typeof DECLINES = [
  ["country_forbidden", "5555555555554584", "4969751510013864", "2201382000000054"],
  ["fraud_suspected", "5555555555554634", "4119098878796485", "2201696981989955"],
];
const SCHEMES = ["MasterCard", "Visa", "Mir"] as const;

const declinedBy = (party: string, table: typeof DECLINES): TestCard[] =>
  table.flatMap(([reason, ...numbers]) =>
    SCHEMES.map((scheme, index) => ({
      number: numbers[index] ?? "",
      scheme,
      threeDs: reason === "3d_secure_failed",
      decline: { party, reason },
    })),
  );

/** Cards that are declined, each for its reason. */
export const BAD_CARDS: readonly TestCard[] = [
  ...declinedBy("payment_network", DECLINES),
  ...declinedBy("yoo_money", REFUSED_BY_YOOKASSA),
];

const BY_NUMBER = new Map([...GOOD_CARDS, ...BAD_CARDS].map((one) => [one.number, one]));

/** The test card of this number, written with or without spaces; a test shop knows no others. */
export function findCard(number: string): TestCard | undefined {
  return BY_NUMBER.get(number.replaceAll(/[\s-]/g, ""));
}

/** Reasons in words that a payer understands; others are shown as they are. */
export const REASONS_RU: Readonly<Record<string, string>> = {
  "3d_secure_failed": "Не пройдена проверка 3-D Secure",
  call_issuer: "Банк отклонил оплату: позвоните в банк",
  card_expired: "Срок действия карты истёк",
  country_forbidden: "Карты этой страны не принимаются",
  fraud_suspected: "Оплата заблокирована: подозрение на мошенничество",
  general_decline: "Оплата отклонена без объяснения причины",
  insufficient_funds: "Не хватает денег на карте",
  invalid_card_number: "Неверный номер карты",
  invalid_csc: "Неверный код CVC",
  issuer_unavailable: "Банк, выпустивший карту, недоступен",
  payment_method_limit_exceeded: "Исчерпан лимит платежей по карте",
  payment_method_restricted: "Операции по карте запрещены",
  expired_on_confirmation: "Время на оплату вышло",
  expired_on_capture: "Время на списание вышло",
  permission_revoked: "Вы отменили разрешение на автоплатежи",
  canceled_by_merchant: "Магазин отменил платёж",
};
