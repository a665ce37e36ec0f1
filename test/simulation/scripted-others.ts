import type { Clock } from "../../src/platform/clock.ts";
import { ProviderFailure, Refusal } from "../../src/platform/errors.ts";
import type { Images, Picture } from "../../src/platform/images/index.ts";
import { fileOf, type Storage, StorageFailure } from "../../src/platform/storage/storage.ts";
import type { OpenRouterClient } from "../../src/providers/openrouter/client.ts";
import { UnusableAnswer } from "../../src/providers/openrouter/completion.ts";
import type { TaxReceipt, TaxSale, TaxService } from "../../src/providers/tax-service.ts";
import { TelegramFailure } from "../../src/providers/telegram/classify.ts";
import type { TelegramClient } from "../../src/providers/telegram/client.ts";
import type { Faults } from "./faults.ts";

const ANSWER = JSON.stringify({
  reply: "Three ideas for you.",
  variants: [1, 2, 3].map((number) => ({
    title: `Idea ${number}`,
    prompt: `Change the light, strength ${number}. Keep everything else.`,
    changes: ["light"],
  })),
});
const USAGE = { inputTokens: 900, outputTokens: 300, costMicrodollars: 2_000 };
const PAID = { model: "scripted/model", usage: USAGE, finishReason: "stop", generationId: "gen-1" };

/** The assistant: an answer of three variants, or what was armed. */
export function createScriptedAssistant({ faults }: { faults: Faults }): OpenRouterClient {
  return {
    async complete() {
      const fault = faults.take("assistant.complete");
      if (fault === "unavailable" || fault === "rate_limited" || fault === "moderated") {
        throw new ProviderFailure("OpenRouter", fault, `scripted ${fault}`);
      }
      if (fault === "empty") throw new UnusableAnswer("empty", PAID);
      return { text: fault === "nonsense" ? "I would rather talk." : ANSWER, ...PAID };
    },
    key: async () => Promise.reject(new Error("nobody asks for the key here")),
    models: async () => [],
  };
}

export interface ScriptedTelegram extends TelegramClient {
  /** What really arrived. */
  readonly arrived: ReadonlyArray<{ chatId: number; text: string }>;
}

/** The Bot API with the messages that arrived. */
export function createScriptedTelegram({ faults }: { faults: Faults }): ScriptedTelegram {
  const arrived: { chatId: number; text: string }[] = [];
  const send = async (chatId: number, text: string) => {
    const fault = faults.take("telegram.send");
    if (fault !== null && fault !== "lost") throw new TelegramFailure(fault, `scripted ${fault}`);
    arrived.push({ chatId, text });
    if (fault === "lost") throw new TelegramFailure("unknown", "scripted lost answer");
    return { messageId: arrived.length };
  };
  const notAsked = async () => Promise.reject(new Error("nobody asks that here"));
  return {
    arrived,
    sendMessage: ({ chatId, text }) => send(chatId, text),
    sendDocument: ({ chatId, caption }) => send(chatId, caption ?? ""),
    sendPhoto: notAsked,
    getMe: notAsked,
    setWebhook: notAsked,
    deleteWebhook: notAsked,
    getWebhookInfo: notAsked,
    setMenuButton: notAsked,
    getUpdates: notAsked,
  };
}

export interface Receipt extends TaxReceipt {
  sale: TaxSale;
}

export interface ScriptedTax extends TaxService {
  readonly receipts: readonly Receipt[];
}

/** The tax service with its receipts. It does not notice that it was asked twice. */
export function createScriptedTax({ faults }: { faults: Faults }): ScriptedTax {
  const receipts: Receipt[] = [];
  const fail = (kind: "unavailable" | "unknown" | "rejected"): never => {
    throw new ProviderFailure("tax", kind, `scripted ${kind}`);
  };
  return {
    name: "my_tax",
    isReal: false,
    receipts,
    fingerprint: () => "scripted",
    async register(sale) {
      const fault = faults.take("tax.register");
      if (fault !== null && fault !== "lost") fail(fault);
      receipts.push({ number: `receipt-${receipts.length + 1}`, isAnnulled: false, sale });
      if (fault === "lost") fail("unknown");
      return `receipt-${receipts.length}`;
    },
    async find(sale) {
      if (faults.take("tax.find") !== null) fail("unavailable");
      return receipts
        .filter(({ sale: one }) => one.orderId === sale.orderId && one.grossKopecks === sale.grossKopecks)
        .map(({ number, isAnnulled }) => ({ number, isAnnulled }));
    },
    async annul(number) {
      if (faults.take("tax.annul") !== null) fail("unavailable");
      const receipt = receipts.find((one) => one.number === number);
      if (!receipt) return fail("rejected");
      receipt.isAnnulled = true;
    },
    async read(number) {
      const receipt = receipts.find((one) => one.number === number);
      return receipt ? { number, isAnnulled: receipt.isAnnulled } : null;
    },
    receiptUrl: (number) => `https://tax.example.com/${number}`,
    check: async () => {},
  };
}

export interface ScriptedStorage extends Storage {
  readonly keys: ReadonlySet<string>;
}

/** A storage in memory. */
export function createScriptedStorage({ clock, faults }: { clock: Clock; faults: Faults }): ScriptedStorage {
  const contents = new Map<string, Uint8Array>();
  const keys = new Set<string>();
  const refuse = (place: "storage.put" | "storage.read" | "storage.delete") => {
    if (faults.take(place) !== null) throw new StorageFailure("scripted: away");
  };
  return {
    keys,
    async put(key, content) {
      refuse("storage.put");
      if (!(content instanceof Uint8Array)) throw new Error("only bytes at hand are stored here");
      contents.set(key, content);
      keys.add(key);
    },
    async read(key) {
      refuse("storage.read");
      const content = contents.get(key);
      return content === undefined ? null : fileOf(content);
    },
    async delete(key) {
      refuse("storage.delete");
      contents.delete(key);
      keys.delete(key);
    },
    async *list() {
      for (const [key, { byteLength }] of [...contents]) yield { key, bytes: byteLength, modifiedAt: clock.now() };
    },
    check: async () => {},
    ping: async () => {},
    link: async () => null,
  };
}

const PICTURE: Picture = { bytes: new Uint8Array([1, 2, 3]), mime: "image/jpeg", width: 600, height: 800 };

/** Pictures of three bytes; one that begins with zero cannot be read. */
export function createScriptedImages(): Images {
  const picture = async () => PICTURE;
  const scripted: Partial<Images> = {
    acceptPhoto: picture,
    watermark: picture,
    preview: picture,
    prove: async () => {},
    expectPicture: () => {},
    async acceptResult(bytes) {
      if (bytes[0] === 0) throw new Refusal("file_corrupt");
      return PICTURE;
    },
  };
  return scripted as Images;
}
