import type { Page } from "playwright-core";
import { until } from "./until.ts";

/** Telegram's client around a page, as far as pages notice: it is told things by `postEvent` and says things by `receiveEvent`. */
export interface FakeTelegram {
  /** Everything that the page has told so far, or what it told under one name. */
  told(): Promise<[name: string, data: unknown][]>;
  told(name: string): Promise<unknown[]>;
  /** Waits until the last thing told under the name has these members. */
  lastTold(name: string, members: object): Promise<void>;
  /** What the client says to the page, as after a press of its own button. */
  says(name: string, data?: object): Promise<void>;
}

/** Puts the client around whatever the page goes to next. */
export async function pretendTelegram(page: Page): Promise<FakeTelegram> {
  await page.addInitScript(`
    window.toldToTelegram = [];
    window.TelegramWebviewProxy = {
      postEvent: (name, data) => { window.toldToTelegram.push([name, data === undefined ? null : JSON.parse(data)]); },
    };`);
  const all = () => page.evaluate("window.toldToTelegram") as Promise<[string, unknown][]>;
  async function told(name?: string) {
    const everything = await all();
    return name === undefined ? everything : everything.filter(([one]) => one === name).map(([, data]) => data);
  }
  return {
    told: told as FakeTelegram["told"],
    async lastTold(name, members) {
      let last: unknown;
      await until(
        async () => {
          last = (await all()).findLast(([one]) => one === name)?.[1];
          return last !== undefined && Bun.deepMatch(members, { ...(last as object | null) });
        },
        `${name} is told with ${JSON.stringify(members)}`,
        10_000,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; the last was ${JSON.stringify(last)}`);
      });
    },
    async says(name, data) {
      await page.evaluate(`Telegram.WebView.receiveEvent(${JSON.stringify(name)}, ${JSON.stringify(data ?? null)})`);
    },
  };
}
