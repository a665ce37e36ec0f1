import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../context.ts";
import { grantCredits } from "../../features/billing/index.ts";
import { type GenerationView, isFinal } from "../../features/generations/index.ts";
import type { PhotoView } from "../../features/photos/index.ts";
import { findByTelegramId } from "../../features/profile/index.ts";
import { type EnvironmentValue, processEnvironment } from "../../platform/config/environment.ts";
import { loadSettings } from "../../platform/config/load.ts";
import { OperatorError } from "../../platform/errors.ts";
import { type RunningSandbox, startSandbox } from "../../sandbox/server.ts";
import { print, table } from "../command.ts";
import { createProgressBar } from "../progress-bar.ts";
import { start } from "../serve.ts";
import { type DemoClient, signInDemo } from "./client.ts";

export const DEMO_TELEGRAM_ID = 1001;
const DEMO_CREDITS = 10;
/** Slow enough to see the bar move. */
const DEMO_TASK_MS = 8_000;
const WAIT_MS_MAX = 60_000;

export interface DemoServer {
  baseUrl: string;
  /** For what only the owner does or sees. */
  ctx: Context;
  sandbox: RunningSandbox;
  grant(telegramId: number, credits: number): Promise<void>;
}

/** Starts a server with all emulators on a folder of its own, and leaves nothing behind. */
export async function withDemoServer(work: (server: DemoServer) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-demo-")).catch((error: Error) => {
    throw new OperatorError(
      `There is no place for the demo's files (${error.message}). Set TMPDIR to a folder to write in.`,
    );
  });
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
        ctx: running.ctx,
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

/** Greets, signs the demo's person in and gives them their credits. */
export async function beginDemo({ baseUrl, grant }: DemoServer): Promise<DemoClient> {
  print("SANDBOX: every provider is played on this machine; no account, no cost.\n");
  const client = await signInDemo(baseUrl, DEMO_TELEGRAM_ID);
  await grant(DEMO_TELEGRAM_ID, DEMO_CREDITS);
  print(`Signed in. ${DEMO_CREDITS} credits as a gift.`);
  return client;
}

/** Saves the finished picture and returns its bytes; says why there is none, and returns null. */
export async function deliver(client: DemoClient, finished: GenerationView, out: string): Promise<Uint8Array | null> {
  if (finished.status !== "succeeded" || finished.image_url === undefined) {
    print(`\nIt ended as ${finished.status}: ${finished.error?.detail ?? ""}`);
    return null;
  }
  const picture = await client.bytes(finished.image_url);
  await Bun.write(out, picture);
  print(`\nSaved ${out} (${Math.round(picture.byteLength / 1024)} KB).`);
  return picture;
}

/** Shows a bar until the picture has ended. The socket says when to look; the row says what is true. */
export async function watch(client: DemoClient, id: string): Promise<GenerationView> {
  print(`${await balanceLine(client)}\n`);
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

export async function printLedger(client: DemoClient): Promise<void> {
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

export async function photoOf(path: string): Promise<Blob> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new OperatorError(`There is no file ${path}`);
  return new Blob([await file.bytes()], { type: file.type });
}

export function size(photo: PhotoView): string {
  return `${photo.width} x ${photo.height}, ${Math.round(photo.bytes / 1024)} KB`;
}

/** A port that was free a moment ago. */
function freePort(): number {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  probe.stop(true);
  return port ?? 0;
}
