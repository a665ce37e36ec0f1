import { each } from "../panel-routes.ts";
import { read } from "./account-routes.ts";
import { madeUp, type World } from "./world.ts";

/** Sockets, their twin without sockets, and what Telegram tells. */

const OPENED = 15;
const UPDATES = 7;

/** From asking for the socket until it is open. */
async function measureSockets(world: World): Promise<void> {
  const { watch, regular, shop } = world;
  await read(world, "/live/events?since=0", { how: "all that is kept", route: "/live/events" });
  await each(["/live", "/editing/chat"], async (path) => {
    for (let round = 0; round < OPENED; round += 1) {
      const { ticket } = await watch.time("POST /live/ticket", "", () => regular.call("POST", "/live/ticket"));
      const address = `${shop.base.replace("http", "ws")}/api/v1${path}?ticket=${ticket}`;
      const startedAt = performance.now();
      const socket = new WebSocket(address);
      await new Promise<void>((resolve, reject) => {
        // The server's first frame: by then it knows who is there.
        socket.onmessage = () => resolve();
        socket.onclose = ({ code }) => reject(new Error(`the socket ${path} was closed with ${code}`));
      });
      watch.note(`GET ${path}`, "until its first frame", performance.now() - startedAt);
      socket.onclose = null;
      socket.close();
    }
  });
}

async function measureUpdates({ shop, watch }: World): Promise<void> {
  const { telegramId: id } = await madeUp(shop, 10);
  const secret = shop.environment.TELEGRAM_WEBHOOK_SECRET ?? "";
  const first = Math.floor(Date.now() / 100);
  for (let number = 0; number < UPDATES; number += 1) {
    const message = {
      ...{ message_id: first + number, date: Math.floor(Date.now() / 1_000), text: "hello" },
      ...{ chat: { id, type: "private" }, from: { id, is_bot: false, first_name: "Anna", language_code: "en" } },
    };
    await watch.time("POST /telegram/webhook", "", () =>
      fetch(`${shop.base}/api/v1/telegram/webhook`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret },
        body: JSON.stringify({ update_id: first + number, message }),
      }),
    );
  }
}

export const LIVE_STEPS = [measureSockets, measureUpdates];
