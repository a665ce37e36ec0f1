import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { grantCredits } from "../features/billing/index.ts";
import type { GenerationView } from "../features/generations/index.ts";
import { isFinal } from "../features/generations/index.ts";
import type { PhotoView } from "../features/photos/index.ts";
import { findByTelegramId } from "../features/profile/index.ts";
import { type EnvironmentValue, processEnvironment } from "../platform/config/environment.ts";
import { loadSettings } from "../platform/config/load.ts";
import { databaseIsFile } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { SAMPLES } from "../sandbox/samples.ts";
import { type RunningSandbox, startSandbox } from "../sandbox/server.ts";
import { ZONE_BOXES } from "../sandbox/zone-boxes.ts";
import { type Command, print, table } from "./command.ts";
import { type DemoClient, signInDemo } from "./demo-client.ts";
import { createProgressBar } from "./progress-bar.ts";
import { start } from "./serve.ts";

const DEMO_TELEGRAM_ID = 1001;
const DEMO_CREDITS = 10;
/** Slow enough to see the bar move. */
const DEMO_TASK_MS = 8_000;
const WAIT_MS_MAX = 60_000;
const SAMPLE_ITEMS = ["jacket", "tshirt", "sunglasses"] as const;

export const demoCommand: Command = {
  name: "demo",
  summary: "a whole try-on in the sandbox: upload, order, watch, save the picture",
  help: `Usage: atelier demo [--person <file>] [--item <file|jacket|tshirt|sunglasses>] [--zone <zone>] [--out <file>]

  --person    a photo of a person; default: the portrait that comes with the program
  --item      a photo of a garment or accessory, or one of the drawn samples; default: jacket
  --zone      where it goes: top, bottom, full_body, outerwear, shoes, head, face, ears, neck, wrist, hand, waist, bag;
              default: outerwear (face for sunglasses, top for tshirt)
  --out       where the picture is saved; default: atelier-demo.jpg

Everything is real but the provider: the HTTP API, the queue, the worker, the ledger and the kie.ai client, which talks to
an emulator on this machine. Nothing is stored and no account is needed.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        person: { type: "string" },
        item: { type: "string" },
        zone: { type: "string" },
        out: { type: "string" },
      },
    });
    const item = values.item ?? "jacket";
    const order = {
      person: values.person ?? SAMPLES.person,
      item: SAMPLE_ITEMS.some((name) => name === item) ? SAMPLES[item as (typeof SAMPLE_ITEMS)[number]] : item,
      zone: values.zone ?? (item === "sunglasses" ? "face" : item === "tshirt" ? "top" : "outerwear"),
      out: resolve(values.out ?? "atelier-demo.jpg"),
    };
    if (!databaseIsFile) {
      throw new OperatorError(
        "demo keeps to a temporary SQLite file and must not touch your database: unset DATABASE_URL.",
      );
    }
    return withDemoServer((server) => tryOn(server, order));
  },
};

interface DemoServer {
  baseUrl: string;
  sandbox: RunningSandbox;
  grant(telegramId: number, credits: number): Promise<void>;
}

/** Starts a server with all emulators on a folder of its own, and leaves nothing behind. */
async function withDemoServer(work: (server: DemoServer) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-demo-"));
  const environment = new Map<string, EnvironmentValue>(processEnvironment);
  const set = (name: string, value: string) => environment.set(name, { value, source: "sandbox" });
  set("DATA_DIR", folder);
  set("PORT", String(freePort()));
  set("HOST", "127.0.0.1");
  // Credits rather than free actions pay here, so that hold and settle can be seen and the picture is clean.
  set("FREE_ACTIONS_PER_MONTH", "0");
  set("LOG_LEVEL", environment.get("LOG_LEVEL")?.value ?? "error");
  const sandbox = await startSandbox({ environment, taskMs: DEMO_TASK_MS });
  try {
    const { settings } = loadSettings(sandbox.environment, { serving: true });
    const running = await start(settings, "all", sandbox);
    try {
      return await work({
        baseUrl: settings.PUBLIC_URL,
        sandbox,
        async grant(telegramId, credits) {
          const user = await findByTelegramId(running.ctx, telegramId);
          if (!user) throw new Error("the demo's person has not signed in");
          await grantCredits(running.ctx, { userId: user.id, kind: "gift", credits, source: "demo" });
        },
      });
    } finally {
      await running.stop();
    }
  } finally {
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function tryOn(
  { baseUrl, sandbox, grant }: DemoServer,
  order: { person: string; item: string; zone: string; out: string },
): Promise<number> {
  print("SANDBOX: every provider is played on this machine; no account, no cost.\n");
  const photos = { person: await photoOf(order.person), item: await photoOf(order.item) };
  const client = await signInDemo(baseUrl, DEMO_TELEGRAM_ID);
  await grant(DEMO_TELEGRAM_ID, DEMO_CREDITS);
  print(`Signed in. ${DEMO_CREDITS} credits as a gift.`);
  const uploaded = await client.upload<{ user_photo: PhotoView; item_photo: PhotoView }>("/fitting/upload", {
    user_photo: photos.person,
    item_photo: photos.item,
  });
  print(`Uploaded the person (${size(uploaded.user_photo)}) and the item (${size(uploaded.item_photo)}).`);
  const ordered = await client.post<GenerationView>("/fitting/generate", {
    user_photo_id: uploaded.user_photo.id,
    item_photo_id: uploaded.item_photo.id,
    zone: order.zone,
  });
  print(`Ordered a try-on, zone ${order.zone}. ${await balanceLine(client)}\n`);
  const finished = await watch(client, ordered.id);
  if (finished.status !== "succeeded" || finished.image_url === undefined) {
    print(`\nThe try-on ended as ${finished.status}: ${finished.error?.detail ?? ""}`);
    return 1;
  }
  const picture = await client.bytes(finished.image_url);
  await Bun.write(order.out, picture);
  const before = await client.bytes(uploaded.user_photo.url);
  const box = ZONE_BOXES[order.zone];
  const changed = await sandbox.images.luminanceDifference(before, picture, box);
  print(`\nSaved ${order.out} (${Math.round(picture.byteLength / 1024)} KB).`);
  print(
    `Mean difference from the person's photo: ${changed.inside.toFixed(1)} in the zone, ${changed.outside.toFixed(1)} elsewhere (of 255).\n`,
  );
  await printLedger(client);
  return 0;
}

/** Shows a bar until the picture has ended. The socket says when to look; the row says what is true. */
async function watch(client: DemoClient, id: string): Promise<GenerationView> {
  const bar = createProgressBar(process.stdout);
  let heard: () => void = () => {};
  const close = await client.live((frame) => {
    if (frame.type.startsWith("generation.") || frame.type === "hello") heard();
  });
  const deadline = performance.now() + WAIT_MS_MAX;
  try {
    for (;;) {
      const news = new Promise<void>((wake) => {
        heard = wake;
      });
      const generation = await client.get<GenerationView>(`/generations/${id}`);
      const eta = generation.eta_seconds === undefined ? "" : `, about ${generation.eta_seconds} s left`;
      bar.show(generation.progress, `${generation.status}${eta}`);
      if (isFinal(generation.status)) return generation;
      if (performance.now() > deadline)
        throw new OperatorError("The demo's picture did not get ready within a minute.");
      await Promise.race([news, Bun.sleep(1_000)]);
    }
  } finally {
    bar.end();
    close();
  }
}

async function printLedger(client: DemoClient): Promise<void> {
  const { items } = await client.get<{ items: Array<Record<string, string | number>> }>("/balance/entries");
  const signed = (value: string | number | undefined) => (Number(value) > 0 ? `+${value}` : String(value));
  const rows = items
    .toReversed()
    .map((entry) => [String(entry.kind), String(entry.action), signed(entry.credits), signed(entry.reserved)]);
  print(table(["entry", "for", "credits", "held"], rows));
  print(`\n${await balanceLine(client)}`);
}

async function balanceLine(client: DemoClient): Promise<string> {
  const balance = await client.get<{ credits: number; reserved: number }>("/balance");
  return `Left: ${balance.credits} credits, held: ${balance.reserved}.`;
}

async function photoOf(path: string): Promise<Blob> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new OperatorError(`There is no file ${path}`);
  return new Blob([await file.bytes()], { type: file.type });
}

function size(photo: PhotoView): string {
  return `${photo.width} x ${photo.height}, ${Math.round(photo.bytes / 1024)} KB`;
}

/** A port that was free a moment ago. */
function freePort(): number {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  probe.stop(true);
  return port ?? 0;
}
