import { afterAll, afterEach } from "bun:test";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { createLog, type Log } from "../../src/platform/telemetry/log.ts";
import {
  type CompletionRequest,
  createOpenRouterClient,
  type OpenRouterClient,
  type OpenRouterClientOptions,
} from "../../src/providers/openrouter/client.ts";
import {
  type OpenRouterEmulator,
  type OpenRouterEmulatorOptions,
  startOpenRouterEmulator,
} from "../../src/sandbox/openrouter.ts";

export const HAIKU = "anthropic/claude-haiku-4.5";
export const NEWER_HAIKU = "anthropic/claude-haiku-5.5";

export const WISH = "make the leather jacket red";

/** What the product asks for: a reply and three variants. */
export const SCHEMA = {
  name: "edit_variants",
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["reply", "variants"],
    properties: {
      reply: { type: "string" },
      variants: {
        type: "array",
        items: {
          type: "object",
          additionalProperties: false,
          required: ["title", "prompt", "changes"],
          properties: {
            title: { type: "string" },
            prompt: { type: "string" },
            changes: { type: "array", items: { type: "string" } },
          },
        },
      },
    },
  },
};

export interface Variants {
  reply: string;
  variants: { title: string; prompt: string; changes: string[] }[];
}

/** A request for variants of `wish`, between the marks that tell a person's words from ours. */
export function order(wish: string, more: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    messages: [
      { role: "system", content: "You write prompts for an image editor." },
      { role: "user", content: `<wish>${wish}</wish>` },
    ],
    schema: SCHEMA,
    maxTokens: 1_500,
    ...more,
  };
}

export interface LogLine {
  level: string;
  message: string;
  [field: string]: unknown;
}

/** A log that keeps its lines. */
export function keptLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as LogLine);
  };
  return { log: createLog({ level: "debug", format: "json", write }), lines };
}

export interface OpenRouterLane {
  emulator: OpenRouterEmulator;
  client: OpenRouterClient;
  /** Everything that the lane's clients log. */
  lines: LogLine[];
  /** How long the lane's clients have wanted to wait between tries; they do not. */
  waits: number[];
  /** A client with other options against the same emulator. */
  clientWith(options: Partial<OpenRouterClientOptions>): OpenRouterClient;
}

/** The real client against the emulator, over HTTP. */
export async function startOpenRouterLane(options: OpenRouterEmulatorOptions = {}): Promise<OpenRouterLane> {
  const emulator = await startOpenRouterEmulator({ answerMs: 1, deltaMs: 0, ...options });
  const { log, lines } = keptLog();
  const waits: number[] = [];
  const clientWith = (more: Partial<OpenRouterClientOptions>): OpenRouterClient =>
    createOpenRouterClient({
      apiUrl: emulator.apiUrl,
      apiKey: emulator.apiKey,
      models: [HAIKU],
      log,
      loopbackAllowed: true,
      sleep: async (ms) => {
        waits.push(ms);
      },
      ...more,
    });
  return { emulator, client: clientWith({}), lines, waits, clientWith };
}

/** Such a lane as the tests of one file see it, with nothing wrong, nothing said and the same money before each of them. */
export async function useOpenRouterLane() {
  const lane = await startOpenRouterLane();
  afterEach(() => {
    lane.emulator.faults.clear();
    lane.emulator.setBalance(10_000_000);
    lane.lines.length = 0;
    lane.waits.length = 0;
  });
  afterAll(() => lane.emulator.stop());
  return {
    lane,
    asked: (): number => lane.emulator.stats().requests.length,
    lastAsked: () => lane.emulator.stats().requests.at(-1),
    alerts: (): unknown[] => lane.lines.filter(({ level, alert }) => level === "error" && alert === true),
    /** Streams, keeping the deltas. */
    async streamed(more: Partial<CompletionRequest> = {}) {
      const deltas: string[] = [];
      const call = lane.client.complete(order(WISH, { onDelta: (text) => deltas.push(text), ...more }));
      return { deltas, call };
    },
  };
}

/** The failure of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<ProviderFailure> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(error)}`);
  return error;
}
