import type { GenerationView } from "../../features/generations/index.ts";
import type { PhotoView } from "../../features/photos/index.ts";
import { OperatorError } from "../../platform/errors.ts";
import { print } from "../command.ts";
import type { DemoClient } from "./client.ts";
import { beginDemo, type DemoServer, deliver, photoOf, printLedger, size, watch } from "./server.ts";

const WISHES = ["Сделай фото теплее", "А теперь чёрно-белым, и размой фон"] as const;
/** The boldest of the three, so that the difference is seen. */
const CHOSEN = 2;

interface Turn {
  session_id: string;
  variants: Array<{ id: string; title: string; prompt: string; changes: string[] }>;
  usage: { input_tokens: number; output_tokens: number };
}

/** Two turns with the assistant about one photo, then the chosen variant as a picture. */
export async function editingDemo(server: DemoServer, order: { photo: string; out: string }): Promise<number> {
  const photo = await photoOf(order.photo);
  const client = await beginDemo(server);
  const uploaded = await client.upload<{ photo: PhotoView }>("/editing/upload", { photo });
  print(`Uploaded the photo (${size(uploaded.photo)}).\n`);
  const tokens = { input: 0, output: 0 };
  let turn: Turn | undefined;
  for (const wish of WISHES) {
    print(`> ${wish}`);
    turn = await say(client, { content: wish, photo_id: uploaded.photo.id, session_id: turn?.session_id });
    tokens.input += turn.usage.input_tokens;
    tokens.output += turn.usage.output_tokens;
    for (const [number, variant] of turn.variants.entries()) {
      print(`  ${number + 1}. ${variant.title}: ${variant.changes.join(", ")}`);
    }
    print();
  }
  const variant = turn?.variants[CHOSEN];
  if (!turn || !variant) throw new OperatorError("The assistant offered no third variant.");
  print(`Chose "${variant.title}".`);
  const ordered = await client.post<GenerationView>("/editing/generate", {
    session_id: turn.session_id,
    photo_id: uploaded.photo.id,
    variant_id: variant.id,
  });
  const picture = await deliver(client, await watch(client, ordered.id), order.out);
  if (!picture) return 1;
  const before = await client.bytes(uploaded.photo.url);
  const { inside } = await server.sandbox.images.luminanceDifference(before, picture);
  print(`Mean difference from the photo: ${inside.toFixed(1)} (of 255).`);
  print(`Tokens of the assistant: ${tokens.input} read, ${tokens.output} written.\n`);
  await printLedger(client);
  return 0;
}

/** One turn over the socket; the reply is printed while it is written. */
async function say(
  client: DemoClient,
  message: { content: string; photo_id: string; session_id: string | undefined },
): Promise<Turn> {
  const answer: Partial<Turn> = {};
  await client.chat(message, (frame) => {
    if (frame.type === "accepted") answer.session_id = String(frame.session_id);
    if (frame.type === "delta") process.stdout.write(String(frame.text));
    if (frame.type === "variants") answer.variants = frame.variants as Turn["variants"];
    if (frame.type === "done") answer.usage = frame.usage as Turn["usage"];
    if (frame.type === "error") throw new OperatorError(`The assistant refused: ${frame.detail}`);
  });
  print();
  if (!answer.session_id || !answer.variants || !answer.usage)
    throw new OperatorError("The turn ended without an answer.");
  return answer as Turn;
}
