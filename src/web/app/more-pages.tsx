import { Button } from "@telegram-apps/telegram-ui";
import { common } from "../kit/common-words.ts";
import type { Pages } from "../kit/loading.ts";

/** Below a list of which there is more: the button that brings the next page. */
export function MorePages({ of: pages }: { of: Pages<unknown> }) {
  if (!pages.hasMore) return null;
  return (
    <div class="more">
      <Button size="m" mode="bezeled" loading={pages.isLoading} onClick={pages.more}>
        {common("more")}
      </Button>
    </div>
  );
}
