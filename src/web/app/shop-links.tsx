import { answerOf, api } from "../kit/api.ts";
import { useLoaded } from "../kit/loading.ts";
import { useMe } from "./entry.ts";
import { ForwardIcon } from "./icons.tsx";
import { openPage, openTelegramLink } from "./links.ts";
import { shopWords } from "./words-shop.ts";

/** The owner's terms, and where questions about payments are answered: the bot says it to `/paysupport`. */
export function ShopLinks() {
  const { terms_url: terms } = useMe().consent;
  const status = useLoaded(() => answerOf(api.status.get()), []);
  const bot = botOf(status.value?.app_link ?? null);
  if (terms === null && bot === null) return null;
  return (
    <ul class="rows">
      {terms !== null && (
        <li>
          <button type="button" class="row" onClick={() => openPage(terms)}>
            <span class="row-text">{shopWords("terms")}</span>
            <ForwardIcon />
          </button>
        </li>
      )}
      {bot !== null && (
        <li>
          <button type="button" class="row" onClick={() => openTelegramLink(bot)}>
            <span class="row-text">
              {shopWords("support")}
              <span class="product-note">{shopWords("support_hint")}</span>
            </span>
            <ForwardIcon />
          </button>
        </li>
      )}
    </ul>
  );
}

/** The bot whose app stands at this address. */
function botOf(appLink: string | null): string | null {
  const name = appLink === null ? null : new URL(appLink).pathname.split("/")[1];
  return name ? `https://t.me/${name}` : null;
}
