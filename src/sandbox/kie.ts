import { type Clock, systemClock } from "../platform/clock.ts";
import { type Log, silentLog } from "../platform/telemetry/log.ts";
import { createFaults, FAULTS_PATH, type Faults } from "./faults.ts";
import { createKieApi, type KieCounts } from "./kie-api.ts";
import type { CallbackCounts } from "./kie-callback.ts";
import { KIE_FAULTS } from "./kie-faults.ts";
import { createKieFiles } from "./kie-files.ts";
import type { PictureMaker } from "./kie-picture.ts";
import { createKieTasks, type KieTasks, promptHash } from "./kie-tasks.ts";

export type { PictureMaker } from "./kie-picture.ts";

/** Where the emulator tells what was asked of it. */
export const STATS_PATH = "/_stats";
const TASK_MS_DEFAULT = 1_200;
const CREDITS_DEFAULT = 1_000;
const UPLOAD_BODY_BYTES_MAX = 140_000_000;

export interface KieEmulatorOptions {
  /** The API's port; a free one by default. The upload host and the file host always take free ones. */
  port?: number;
  images: PictureMaker;
  /** For time stamps, limits and expiry. How long a task takes is the machine's own time in any case. */
  clock?: Clock;
  log?: Log;
  /** Signs callbacks, as kie.ai does once a key was made. */
  webhookKey?: string;
  apiKey?: string;
  /** The host in every link, and the address that is listened on. */
  publicHost?: string;
  /** From create to end. */
  taskMs?: number;
  credits?: number;
}

export interface KieStats {
  creates: KieCounts["creates"];
  queries: number;
  uploads: number;
  callbacks: CallbackCounts;
  credits: { balance: number; spent: number };
  /** How many tasks carried each marker. */
  markers: Record<string, number>;
  tasks: {
    taskId: string;
    callBackUrl: string | null;
    promptHash: string;
    state: string;
    createdAt: string;
    /** null while it runs. */
    completedAt: string | null;
    /** The provider's words for why it failed; "" for any other. */
    failMsg: string;
    requestId: string | null;
    credits: number;
    markers: readonly string[];
  }[];
}

export interface KieEmulator {
  url: string;
  uploadUrl: string;
  /** Where uploads and results lie. */
  filesUrl: string;
  /** What belongs on the list of hosts that results are fetched from. */
  resultHost: string;
  apiKey: string;
  faults: Faults;
  stats(): KieStats;
  /** What the account holds from now on. */
  setCredits(credits: number): void;
  stop(): Promise<void>;
}

/**
 * Plays kie.ai over real HTTP: the API, the upload host and the file host, each on a port of its own. `/_faults` and
 * `/_stats` of the API's port take and tell what only a sandbox has. Nothing in it is shared with the client but the wire.
 */
export async function startKieEmulator(options: KieEmulatorOptions): Promise<KieEmulator> {
  const clock = options.clock ?? systemClock;
  const host = options.publicHost ?? "127.0.0.1";
  const apiKey = options.apiKey ?? "sandbox-kie-key";
  const faults = createFaults(KIE_FAULTS);
  const tasks = createKieTasks({ clock, credits: options.credits ?? CREDITS_DEFAULT });
  const files = createKieFiles({ clock, faults });
  const stopping = new AbortController();
  const callbackCounts: CallbackCounts = { sent: 0, taken: 0, failed: 0 };

  const serve = (port: number, answer: (request: Request) => Promise<Response>): ReturnType<typeof Bun.serve> =>
    Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      // A switch may keep a caller waiting for as long as it likes.
      idleTimeout: 0,
      // Otherwise the bodies that break off on purpose are printed to the terminal.
      development: false,
      maxRequestBodySize: UPLOAD_BODY_BYTES_MAX,
      fetch: answer,
    });
  const address = (server: ReturnType<typeof Bun.serve>): string => `http://${host}:${server.port}`;

  const fileServer = serve(0, (request) => api.files(request));
  const filesUrl = address(fileServer);
  const api = createKieApi({
    clock,
    log: options.log ?? silentLog,
    faults,
    tasks,
    files,
    filesUrl,
    images: options.images,
    webhookKey: options.webhookKey,
    taskMs: options.taskMs ?? TASK_MS_DEFAULT,
    callbackCounts,
    stopped: stopping.signal,
    apiKey,
  });
  const stats = (): KieStats => statsOf(tasks, api.counts, callbackCounts);
  const uploadServer = serve(0, (request) => api.upload(request));
  const apiServer = serve(options.port ?? 0, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === FAULTS_PATH) return faults.handle(request);
    if (pathname === STATS_PATH) return Response.json(stats());
    return api.call(request);
  });

  return {
    url: address(apiServer),
    uploadUrl: address(uploadServer),
    filesUrl,
    resultHost: host,
    apiKey,
    faults,
    stats,
    setCredits(credits) {
      tasks.balance = credits;
    },
    async stop() {
      stopping.abort();
      await Promise.all([apiServer, uploadServer, fileServer].map((server) => server.stop(true)));
    },
  };
}

function statsOf(tasks: KieTasks, counts: KieCounts, callbacks: CallbackCounts): KieStats {
  const all = tasks.all();
  const markers: Record<string, number> = {};
  for (const marker of all.flatMap((task) => task.markers)) markers[marker] = (markers[marker] ?? 0) + 1;
  const spent = all.filter((task) => task.state !== "fail").reduce((sum, task) => sum + task.price, 0);
  return {
    creates: structuredClone(counts.creates),
    queries: counts.queries,
    uploads: counts.uploads,
    callbacks: { ...callbacks },
    credits: { balance: tasks.balance, spent },
    markers,
    tasks: all.map((task) => ({
      taskId: task.taskId,
      callBackUrl: task.body.callBackUrl ?? null,
      promptHash: promptHash(task.prompt),
      state: task.state,
      createdAt: task.createdAt.toISOString(),
      completedAt: task.completedAt?.toISOString() ?? null,
      failMsg: task.failMsg,
      requestId: task.requestId ?? null,
      credits: task.state === "fail" ? 0 : task.price,
      markers: task.markers,
    })),
  };
}
