import { Button } from "@telegram-apps/telegram-ui";
import { answerOf, api } from "../kit/api.ts";
import { useAction } from "../kit/loading.ts";
import { useMe, welcome } from "./entry.ts";
import { openPage } from "./links.ts";
import { Notice } from "./notice.tsx";
import { shellWords } from "./words-shell.ts";

/**
 * The owner's terms, until they are accepted: no photo is taken before. Everything else, erasing oneself above all, stays in
 * reach.
 */
export function Consent() {
  const me = useMe();
  const { terms_version: version, terms_url: link, required } = me.consent;
  const accept = useAction(async () => {
    if (version === null) return;
    try {
      welcome({ ...me, consent: await answerOf(api.profile.consent.post({ version })) });
    } catch (error) {
      // Another text may be in force by now: it is that which has to be shown.
      await answerOf(api.profile.get()).then(welcome, () => undefined);
      throw error;
    }
  });
  if (!required) return null;
  return (
    <section class="consent" aria-label={shellWords("terms")}>
      <h2>{shellWords("terms")}</h2>
      <p>{shellWords("terms_text")}</p>
      {accept.failure && <Notice failure={accept.failure} />}
      <div class="notice-buttons">
        {link !== null && (
          <Button type="button" size="m" mode="bezeled" onClick={() => openPage(link)}>
            {shellWords("terms_read")}
          </Button>
        )}
        <Button type="button" size="m" loading={accept.isBusy} onClick={() => accept.run()}>
          {shellWords("terms_accept")}
        </Button>
      </div>
    </section>
  );
}
