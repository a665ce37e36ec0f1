import {
  cancelRenewal,
  forgetMethod,
  resumeRenewal,
} from "../../src/features/billing/subscriptions/subscription-choices.ts";
import { startEdit } from "../../src/features/editing/start-edit.ts";
import { startTurn } from "../../src/features/editing/start-turn.ts";
import { startFitting } from "../../src/features/fitting/start-fitting.ts";
import { attemptOfCallback, callbackSecret } from "../../src/features/generations/attempts.ts";
import {
  cancelGeneration,
  deleteGeneration,
  type Generation,
  generations,
  retryGeneration,
  takeCallback,
} from "../../src/features/generations/index.ts";
import { storePhotos } from "../../src/features/photos/index.ts";
import { findOrCreateUser } from "../../src/features/profile/index.ts";
import { referralCode } from "../../src/features/referrals/codes.ts";
import { bindNewcomer } from "../../src/features/referrals/index.ts";
import { newId } from "../../src/platform/ids.ts";
import type { Person, Play } from "./play.ts";
import { attemptOf } from "./scripted-kie.ts";
import { pick, type Step, type StepKind } from "./step.ts";

/** Most histories are of one or two people, so that what they do meets. */
const PEOPLE_MAX = 3;

/** Signs somebody in for the first time, or somebody who left again; the second and later ones were invited by the first. */
export async function signIn(play: Play, telegramId: number, inviter: Person | undefined): Promise<string> {
  return play.act({
    name: `sign-in of ${telegramId}`,
    async work(ctx) {
      const code = inviter === undefined ? null : await referralCode(ctx, inviter.id);
      return ctx.transaction(async (tx) => {
        const { user, isNew } = await findOrCreateUser(tx, { telegramId, firstName: "Somebody", languageCode: "en" });
        if (isNew) await bindNewcomer(tx, { user, startParam: code === null ? null : `ref_${code}` });
        return user;
      });
    },
    onAnswer({ id, bannedAt }: { id: string; bannedAt: Date | null }) {
      const known = play.people.find((person) => person.telegramId === telegramId);
      const fresh = { id, isErased: false, isBanned: bannedAt !== null, photos: null, sessionId: null };
      if (known) Object.assign(known, fresh);
      else play.people.push({ number: play.people.length + 1, telegramId, ...fresh });
    },
  });
}

/** Who may ask for something now. */
export function someone(play: Play, share: number): Person | undefined {
  return pick(
    play.people.filter(({ isErased, isBanned }) => !isErased && !isBanned),
    share,
  );
}

export async function allGenerations(play: Play): Promise<Generation[]> {
  return play.world.ctx.db.select().from(generations).orderBy(generations.id);
}

async function photosOf(play: Play, person: Person): Promise<Person["photos"]> {
  if (person.photos !== null) return person.photos;
  const bytes = new Uint8Array([1, 2, 3]);
  const upload = (field: string, purpose: "user_photo" | "item_photo") =>
    ({ field, purpose, bytes, declaredType: "image/jpeg" }) as const;
  await play.act({
    name: "an upload",
    work: (ctx) =>
      storePhotos(ctx, person.id, [upload("user_photo", "user_photo"), upload("item_photo", "item_photo")]),
    onAnswer([user, item]: { id: string }[]) {
      if (user && item) person.photos = { user: user.id, item: item.id };
    },
  });
  return person.photos;
}

const accept = (play: Play) => (made: { id: string }) => void play.acknowledged.generations.add(made.id);

async function order(play: Play, step: Step): Promise<string | null> {
  const person = someone(play, step.which);
  if (!person) return null;
  const photos = await photosOf(play, person);
  if (photos === null) return "the upload came to nothing";
  const isEdit = step.way < 0.25;
  const words = await play.act({
    name: isEdit ? "an edit" : "a try-on",
    interruption: step.interruption,
    work: (ctx) =>
      isEdit
        ? startEdit(ctx, { userId: person.id, photoId: photos.user, prompt: "make the light warmer" })
        : startFitting(ctx, { userId: person.id, userPhotoId: photos.user, itemPhotoId: photos.item, zone: "top" }),
    onAnswer: accept(play),
  });
  if (words.includes("photo_expired")) person.photos = null;
  return `person ${person.number} orders ${isEdit ? "an edit" : "a try-on"}: ${words}`;
}

async function turn(play: Play, step: Step): Promise<string | null> {
  const person = someone(play, step.which);
  if (!person) return null;
  const clientId = step.way < 0.3 ? "the same message" : newId();
  const words = await play.act({
    name: "a message to the assistant",
    interruption: step.interruption,
    work: (ctx) =>
      startTurn(ctx, {
        userId: person.id,
        message: "warmer light, please",
        clientId,
        ...(person.sessionId === null || step.size < 0.3 ? {} : { sessionId: person.sessionId }),
      }),
    onAnswer({ sessionId }: { sessionId: string }) {
      person.sessionId = sessionId;
    },
  });
  if (words.includes("not_found")) person.sessionId = null;
  return `person ${person.number} writes to the assistant: ${words}`;
}

/** A deed about one of the person's pictures. */
function aboutPicture(
  name: string,
  act: (...given: [Parameters<typeof cancelGeneration>[0], string, string]) => Promise<unknown>,
  isOrder = false,
): StepKind["run"] {
  return async (play, step) => {
    const generation = pick((await allGenerations(play)).toReversed(), step.which ** 2);
    const person = play.people.find(({ id }) => id === generation?.userId);
    if (!generation || !person || person.isErased || person.isBanned) return null;
    const words = await play.act({
      name,
      interruption: step.interruption,
      work: (ctx) => act(ctx, person.id, generation.id),
      ...(isOrder ? { onAnswer: accept(play) } : {}),
    });
    return `person ${person.number}: ${name} of picture ${generation.id.slice(-6)} (${generation.status}): ${words}`;
  };
}

/** kie.ai calls back: in time, twice, before the end, or somebody else does. */
async function callback(play: Play, step: Step): Promise<string | null> {
  const { kie, ctx } = play.world;
  const task = pick([...kie.tasks].reverse(), step.which ** 2);
  const other = pick(kie.tasks, step.size);
  if (!task || !other) return null;
  const isForged = step.way < 0.2;
  const named = isForged ? other.id : task.id;
  const secret = step.way < 0.1 ? "forged" : callbackSecret(ctx, attemptOf(task));
  if (step.way >= 0.1 && attemptOfCallback(ctx, secret) === null) play.violations.push("our own callback is not known");
  const words = await play.act({
    name: "a callback",
    interruption: step.interruption,
    work: (own) => takeCallback(own, { secret, body: { data: { taskId: named } }, timestamp: null, signature: null }),
  });
  return `${isForged ? "a forged callback" : "the callback"} of ${task.id} names ${named} (${kie.stateOf(task)}): ${words}`;
}

async function choose(play: Play, step: Step): Promise<string | null> {
  const person = someone(play, step.which);
  if (!person) return null;
  const [name, act] = pick(
    [
      ["switches renewal off", cancelRenewal],
      ["switches renewal on", resumeRenewal],
      ["forgets the card", forgetMethod],
    ] as const,
    step.way,
  ) ?? ["", cancelRenewal];
  const words = await play.act({ name, interruption: step.interruption, work: (ctx) => act(ctx, person.id) });
  return `person ${person.number} ${name}: ${words}`;
}

export const orderSteps: Readonly<Record<string, StepKind>> = {
  "sign in": {
    weight: 3,
    interruptible: false,
    async run(play, step) {
      const gone = play.people.filter(({ isErased }) => isErased);
      const back = pick(gone, step.which);
      if (back) return `person ${back.number} comes back: ${await signIn(play, back.telegramId, play.people[0])}`;
      if (play.people.length >= PEOPLE_MAX) return null;
      const number = play.people.length + 1;
      return `person ${number} signs in: ${await signIn(play, 5_000_000 + number, someone(play, step.which))}`;
    },
  },
  order: { weight: 22, interruptible: true, run: order },
  turn: { weight: 8, interruptible: true, run: turn },
  cancel: { weight: 7, interruptible: true, run: aboutPicture("cancel", cancelGeneration) },
  retry: { weight: 4, interruptible: true, run: aboutPicture("retry", retryGeneration, true) },
  delete: { weight: 2, interruptible: true, run: aboutPicture("delete", deleteGeneration) },
  callback: { weight: 8, interruptible: true, run: callback },
  choose: { weight: 3, interruptible: true, run: choose },
};
