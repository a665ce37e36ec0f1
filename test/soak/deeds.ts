import { picture, uploadForm } from "../support/pictures.ts";
import { photoForm } from "../support/remote-person.ts";
import { acknowledged } from "./book.ts";
import { sayOverSocket } from "./chat-socket.ts";
import { leaveForGood, signOut, takeExport } from "./departures.ts";
import { buyPack, buyPlan, changePlan, giveBackInCabinet, redeem } from "./purchases.ts";
import { order, persist, type Resident } from "./resident.ts";
import { pick } from "./weather.ts";

type Deed = (resident: Resident) => Promise<string>;

/** What people do, and how often of a hundred times. */
const DEEDS: readonly (readonly [share: number, deed: Deed])[] = [
  [24, tryOn],
  [9, edit],
  [8, sayByHttp],
  [9, saySocket],
  [10, buyPack],
  [5, buyPlan],
  [3, changePlan],
  [4, giveBackInCabinet],
  [4, redeem],
  [6, cancel],
  [4, retry],
  [4, remove],
  [3, sendToChat],
  [2, takeExport],
  [2, signOut],
  [1, leaveForGood],
  [2, look],
];
const PAUSE_MS = { least: 300, most: 3_000 };

/** Lives from deed to deed until the time is over or the person has left for good. */
export async function live(resident: Resident, endsAt: number): Promise<void> {
  const all = DEEDS.reduce((sum, [share]) => sum + share, 0);
  while (!resident.isErased) {
    await Bun.sleep(PAUSE_MS.least + resident.random() * (PAUSE_MS.most - PAUSE_MS.least));
    if (performance.now() > endsAt) return;
    const deed = chosen(resident.random() * all);
    const outcome = await deed(resident);
    resident.town.happened.add(`${nameOf(deed)}: ${outcome}`);
    await renewSignIn(resident);
  }
}

function chosen(chance: number): Deed {
  let sum = 0;
  for (const [share, deed] of DEEDS) {
    sum += share;
    if (chance < sum) return deed;
  }
  return look;
}

const nameOf = (deed: Deed) => deed.name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** An access token lasts half an hour; in a long run everybody opens the app anew before that. */
const TOKEN_MS = 20 * 60_000;
const signedInAt = new WeakMap<Resident, number>();

async function renewSignIn(resident: Resident): Promise<void> {
  const since = signedInAt.get(resident) ?? performance.now();
  signedInAt.set(resident, since);
  if (resident.isErased || performance.now() - since < TOKEN_MS) return;
  await signOut(resident);
  signedInAt.set(resident, performance.now());
}

async function photosOf(resident: Resident): Promise<{ user: string; item: string } | null> {
  if (resident.photos) return resident.photos;
  const answer = await persist(resident, "/fitting/upload", { method: "POST", body: await photoForm() });
  if (answer?.status !== 200) return null;
  const { user_photo, item_photo } = answer.json() as { user_photo: { id: string }; item_photo: { id: string } };
  resident.photos = { user: user_photo.id, item: item_photo.id };
  return resident.photos;
}

async function editPhotoOf(resident: Resident): Promise<string | null> {
  if (resident.editPhoto) return resident.editPhoto;
  const body = uploadForm({ photo: { bytes: await picture() } });
  const answer = await persist(resident, "/editing/upload", { method: "POST", body });
  if (answer?.status !== 200) return null;
  resident.editPhoto = (answer.json() as { photo: { id: string } }).photo.id;
  return resident.editPhoto;
}

const idOf = (answer: { id: string }) => answer.id;

async function ordered(resident: Resident, path: string, json?: unknown): Promise<string> {
  const made = await order(resident, { kind: "generation", path, status: 202, idIn: idOf, ...(json ? { json } : {}) });
  return "refused" in made ? made.refused : "accepted";
}

async function tryOn(resident: Resident): Promise<string> {
  const photos = await photosOf(resident);
  if (photos === null) return "no photos";
  return ordered(resident, "/fitting/generate", {
    user_photo_id: photos.user,
    item_photo_id: photos.item,
    zone: "top",
  });
}

async function edit(resident: Resident): Promise<string> {
  const photo_id = await editPhotoOf(resident);
  if (photo_id === null) return "no photo";
  const variant = resident.sessionId === undefined ? undefined : resident.variants[0];
  return ordered(resident, "/editing/generate", {
    photo_id,
    ...(variant === undefined
      ? { prompt: "Make it brighter" }
      : { variant_id: variant, session_id: resident.sessionId }),
  });
}

async function sayByHttp(resident: Resident): Promise<string> {
  const photo_id = await editPhotoOf(resident);
  if (photo_id === null) return "no photo";
  const id = `http-${resident.telegramId}-${resident.book.orders.length}`;
  const json = {
    id,
    message: "A red jacket, please",
    photo_id,
    ...(resident.sessionId === undefined ? {} : { session_id: resident.sessionId }),
  };
  type Answer = { session_id: string; message: { id: string; variants: { id: string }[] } };
  const idIn = ({ message }: Answer) => message.id;
  const made = await order(resident, { kind: "turn", path: "/editing/chat", json, status: 200, idIn });
  if ("refused" in made) return made.refused;
  const { session_id, message } = made.answer as Answer;
  resident.sessionId = session_id;
  resident.variants = message.variants.map((variant) => variant.id);
  resident.book.answeredTurns.add(id);
  return "answered";
}

async function saySocket(resident: Resident): Promise<string> {
  const photo_id = await editPhotoOf(resident);
  if (photo_id === null) return "no photo";
  const id = `socket-${resident.telegramId}-${resident.book.orders.length}`;
  const turns = new Set<string>();
  resident.book.orders.push({ kind: "turn", key: id, ids: turns });
  const message = { id, content: "And a hat", photo_id };
  const end = await sayOverSocket(resident, message, (turnId, sessionId) => {
    turns.add(turnId);
    resident.sessionId = sessionId;
  });
  if (end === "done") resident.book.answeredTurns.add(id);
  return end;
}

function oneOfMine(resident: Resident): string | null {
  const mine = [...acknowledged(resident.book, "generation")].filter((id) => !resident.book.deleted.has(id));
  return mine.length === 0 ? null : pick(mine, resident.random);
}

async function cancel(resident: Resident): Promise<string> {
  // The newest is the likeliest to be in work.
  const id = [...acknowledged(resident.book, "generation")].at(-1);
  if (id === undefined) return "of nothing";
  const answer = await persist(resident, `/generations/${id}/cancel`, { method: "POST" });
  return answer?.status === 200 ? (answer.json() as { status: string }).status : String(answer?.status);
}

async function retry(resident: Resident): Promise<string> {
  const id = oneOfMine(resident);
  return id === null ? "of nothing" : ordered(resident, `/generations/${id}/retry`);
}

async function remove(resident: Resident): Promise<string> {
  const id = oneOfMine(resident);
  if (id === null) return "of nothing";
  const answer = await persist(resident, `/generations/${id}`, { method: "DELETE" });
  // The second try of one whose answer was lost finds nothing any more.
  if (answer?.status === 204) resident.book.deleted.add(id);
  return String(answer?.status ?? "nobody answered");
}

async function sendToChat(resident: Resident): Promise<string> {
  const id = oneOfMine(resident);
  if (id === null) return "of nothing";
  const headers = { "idempotency-key": `send-${id}-${Math.floor(resident.random() * 1e9)}` };
  const answer = await persist(resident, `/generations/${id}/send`, { method: "POST", headers });
  return String(answer?.status ?? "nobody answered");
}

/** Looks at what there is; an end that was seen must stay. */
async function look(resident: Resident): Promise<string> {
  const answer = await persist(resident, "/generations?limit=50");
  if (answer?.status !== 200) return String(answer?.status);
  for (const { id, status } of (answer.json() as { items: { id: string; status: string }[] }).items) {
    if (/^(succeeded|failed|cancelled)$/.test(status)) resident.book.seenEnds.set(id, status);
  }
  return "seen";
}
