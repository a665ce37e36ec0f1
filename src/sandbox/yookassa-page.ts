import { kopecksToText } from "../platform/money.ts";
import { BAD_CARDS, GOOD_CARDS, REASONS_RU, type TestCard } from "./yookassa-cards.ts";
import type { EmulatedPayment } from "./yookassa-records.ts";
import { PAY_WITHIN_MS } from "./yookassa-shop.ts";

/** Nothing is loaded from anywhere; forms go back to the page itself, wherever a proxy shows it. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const STYLE = `
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{font:17px/1.45 system-ui,sans-serif;max-width:30rem;margin:0 auto;padding:1rem}
.sandbox{background:#ffd84d;color:#222;padding:.6rem 1rem;border-radius:.6rem;font-weight:700}
.sandbox small{display:block;font-weight:400}
.sum{font-size:2.2rem;font-weight:700;margin:.8rem 0 0}
.muted{opacity:.7;margin:.2rem 0}
.error{border:2px solid #d33;border-radius:.6rem;padding:.6rem 1rem}
form{margin:1rem 0}
label{display:block;margin:.6rem 0}
input{font:inherit;width:100%;padding:.7rem;border:1px solid #888;border-radius:.6rem}
.two{display:flex;gap:.8rem}
button,.button{font:inherit;display:block;width:100%;padding:.8rem 1rem;margin:.5rem 0;border:1px solid #888;border-radius:.6rem;background:none;color:inherit;text-align:left;text-decoration:none;cursor:pointer}
button.main,.button.main{background:#1a6dff;border-color:#1a6dff;color:#fff;text-align:center;font-weight:600}
button small{display:block;opacity:.7}
summary{cursor:pointer;padding:.5rem 0}
`;

/** The page on which a payer pays, in one of its states. `problem` is what went wrong with the last try. */
export function payPage(payment: EmulatedPayment, shown: { problem?: string } = {}): Response {
  if (payment.status !== "pending") return page(payment, endOf(payment));
  if (payment.awaitsCode !== undefined) return page(payment, codeForm(payment.awaitsCode));
  return page(payment, problemOf(payment, shown.problem) + methodForms(payment));
}

/** What stands where no payment is. */
export function noPaymentPage(): Response {
  const body = '<div class="sandbox">SANDBOX</div><h1>Платёж не найден</h1><p>Проверьте ссылку.</p>';
  return new Response(documentOf("Платёж не найден", body), { status: 404, headers: HEADERS });
}

function page(payment: EmulatedPayment, content: string): Response {
  const sum = `${kopecksToText(payment.amountKopecks).replace(".", ",")} ₽`;
  const body = `<div class="sandbox">SANDBOX<small>Это не ЮKassa. Деньги не списываются, настоящие карты не нужны.</small></div>
<p class="sum">${sum}</p>
<p class="muted">${escapeHtml(payment.description ?? "Без описания")}</p>
${content}`;
  return new Response(documentOf(`Оплата ${sum}`, body), { headers: HEADERS });
}

function problemOf(payment: EmulatedPayment, problem: string | undefined): string {
  const declined = payment.lastDecline?.reason;
  const text = problem ?? (declined === undefined ? undefined : (REASONS_RU[declined] ?? declined));
  if (text === undefined) return "";
  return `<p class="error" role="alert">${escapeHtml(text)}. Можно попробовать ещё раз.</p>`;
}

function methodForms(payment: EmulatedPayment): string {
  const may = (type: string): boolean => (payment.methodType ?? type) === type;
  const until = new Date(payment.createdAt.getTime() + PAY_WITHIN_MS).toISOString().slice(11, 16);
  const save = payment.saveRequested
    ? "<p>Способ оплаты будет сохранён: следующие платежи магазин проведёт без вас.</p>"
    : "";
  return `<p class="muted">Оплатить нужно до ${until} UTC.</p>${save}
${may("bank_card") ? cardForms() : ""}
<form method="post">
${may("yoo_money") ? '<button name="action" value="yoo_money">Кошелёк ЮMoney</button>' : ""}
${may("sbp") && !payment.test ? '<button name="action" value="sbp">СБП<small>как будто оплачено в приложении банка</small></button>' : ""}
<button name="action" value="later">Оплатить позже<small>вернуться в магазин, платёж ждёт</small></button>
<button name="action" value="cancel">Отменить платёж<small>банк отказал окончательно</small></button>
<button name="action" value="expire">Время вышло<small>как будто прошёл час</small></button>
</form>`;
}

function cardForms(): string {
  return `<form method="post">
${GOOD_CARDS.slice(0, 2).map(cardButton).join("\n")}
<details><summary>Ещё карты: оплата пройдёт</summary>${GOOD_CARDS.slice(2).map(cardButton).join("\n")}</details>
<details><summary>Карты, которым откажут</summary>${BAD_CARDS.map(cardButton).join("\n")}</details>
</form>
<form method="post" autocomplete="off">
<input type="hidden" name="action" value="card">
<label>Номер тестовой карты<input name="number" inputmode="numeric" placeholder="5555 5555 5555 4444" required></label>
<div class="two">
<label>Срок<input name="expiry" inputmode="numeric" placeholder="12/30" value="12/30" required></label>
<label>CVC<input name="csc" inputmode="numeric" placeholder="123" value="123" maxlength="4" required></label>
</div>
<button class="main">Оплатить</button>
</form>`;
}

function cardButton({ number, scheme, threeDs, decline }: TestCard): string {
  const outcome = decline === undefined ? "Оплата пройдёт" : (REASONS_RU[decline.reason] ?? decline.reason);
  const code = threeDs && decline === undefined ? ", с кодом 3-D Secure" : "";
  const spaced = number.replaceAll(/(\d{4})(?=\d)/g, "$1 ");
  return `<button name="card" value="${number}">${outcome}${code}<small>${scheme} ${spaced}</small></button>`;
}

function codeForm({ number }: TestCard): string {
  return `<h1>Проверка 3-D Secure</h1>
<p>Банк просит код для карты *${number.slice(-4)}. Здесь подойдёт любой.</p>
<form method="post">
<input type="hidden" name="action" value="code">
<label>Код<input name="code" inputmode="numeric" value="1234" autocomplete="off" required></label>
<button class="main">Подтвердить</button>
</form>
<form method="post">
<button name="action" value="code_failed">Код не пришёл<small>проверка не пройдена</small></button>
</form>`;
}

function endOf(payment: EmulatedPayment): string {
  const { returnUrl } = payment.confirmation ?? {};
  const back =
    returnUrl === undefined ? "" : `<a class="button main" href="${escapeHtml(returnUrl)}">Вернуться в магазин</a>`;
  if (payment.status === "succeeded") return `<h1>Оплачено</h1>${back}`;
  if (payment.status === "waiting_for_capture")
    return `<h1>Деньги заморожены</h1><p>Магазин спишет их позже.</p>${back}`;
  const reason = payment.cancellation?.reason ?? "";
  return `<h1>Платёж отменён</h1><p>${escapeHtml(REASONS_RU[reason] ?? reason)}.</p>${back}`;
}

function documentOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="ru">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>SANDBOX · ${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
${body}
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
