import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { startLknpdEmulator } from "../../src/sandbox/lknpd.ts";
import { startOpenRouterEmulator } from "../../src/sandbox/openrouter.ts";
import { startTelegramEmulator } from "../../src/sandbox/telegram.ts";
import { startYooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { TEST_BOT_TOKEN } from "../support/app.ts";
import { OWNER_TELEGRAM_ID } from "../support/operators.ts";
import { startOwnPostgres } from "../support/own-postgres.ts";
import { deploy, freePort } from "../support/processes.ts";

/** The compiled program, unless another one is named. */
const PROGRAM = process.env.ATELIER_PROGRAM ?? resolve(import.meta.dir, "../../dist/atelier");
/** A picture takes so long at the provider, a piece of an answer so long at the assistant. */
const TASK_MS = 600;
const DELTA_MS = 15;
export const PROMO_CODE = "SOAKSOAK";
export const PROMO_CREDITS = 40;

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** A database server that may be crashed, all providers, and what the program has to be told of them. */
export async function openStage() {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there; run ./bunw run build first`);
  const own = await startOwnPostgres();
  // Only for the making of databases; the program gets the address of its own.
  process.env.TEST_DATABASE_URL = own.server.url;
  const database = await own.database();
  const shop = await startYooKassaEmulator();
  const telegram = await startTelegramEmulator({ botToken: TEST_BOT_TOKEN });
  const openRouter = await startOpenRouterEmulator({ deltaMs: DELTA_MS });
  const lknpd = await startLknpdEmulator();
  telegram.setNewcomers("started");
  telegram.faults.set("telegram.limits", { mode: "on" });
  const deployment = await deploy({
    database,
    program: PROGRAM,
    keepOpen: true,
    kie: { taskMs: TASK_MS },
    settings: {
      ADMIN_TELEGRAM_IDS: String(OWNER_TELEGRAM_ID),
      FREE_ACTIONS_PER_MONTH: "2",
      GENERATION_DEADLINE_SECONDS: "60",
      REFERRAL_REWARD_ON: "first_generation",
      YOOKASSA_SHOP_ID: shop.shopId,
      YOOKASSA_SECRET_KEY: shop.secretKey,
      YOOKASSA_API_URL: shop.url,
      YOOKASSA_AUTOPAYMENTS: "on",
      TELEGRAM_API_URL: telegram.url,
      TELEGRAM_BOT_NAME: telegram.botName,
      TELEGRAM_APP_NAME: "app",
      OPENROUTER_API_KEY: openRouter.apiKey,
      OPENROUTER_API_URL: openRouter.apiUrl,
      MY_TAX_INN: lknpd.inn,
      MY_TAX_PASSWORD: lknpd.password,
      MY_TAX_API_URL: lknpd.url,
    },
  });
  const secondPort = String(await freePort());
  shop.setWebhookUrl(`${deployment.url}/api/v1/payments/webhook`);
  return {
    own,
    database,
    deployment,
    shop,
    telegram,
    openRouter,
    lknpd,
    secondPort,
    /** Where the two APIs answer. */
    urls: [deployment.url, `http://127.0.0.1:${secondPort}`] as const,
    async close() {
      await deployment.close();
      await Promise.all([shop.stop(), telegram.stop(), openRouter.stop(), lknpd.stop()]);
      await own.close();
    },
  };
}
