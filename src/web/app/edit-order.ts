import { useRef } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { reloadBalance } from "./balance.ts";
import { baseOf, changeTalk, talk } from "./edit-talk.ts";
import { turnFailure } from "./edit-turn.ts";
import { rememberGeneration } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { type Intention, useIntention } from "./intention.ts";

/** What a picture is ordered by: a variant of the assistant's, or the person's own words. */
export type Wish = { variant_id: string } | { prompt: string };

export interface Order extends Omit<Intention, "run"> {
  /** What was ordered last, or is being ordered. */
  wish: Wish | null;
  make(wish: Wish): void;
}

type Body = NonNullable<Parameters<typeof api.editing.generate.post>[0]>;

/** Ordering a picture in the open conversation. All tries of one tap say the same, so the server knows them as one. */
export function useOrder(): Order {
  const wish = useRef<Wish | null>(null);
  const body = useRef<Body>({});
  const { run, ...intention } = useIntention(async (key) => {
    const sessionId = body.current.session_id ?? (await beginSession());
    body.current = { ...body.current, session_id: sessionId };
    const made = await answerOf(api.editing.generate.post(body.current, { headers: { "idempotency-key": key } }));
    rememberGeneration(made);
    reloadBalance();
    feel("tap");
    const now = talk.read();
    if (now === null || now.sessionId !== sessionId) return;
    const isOwnWords = wish.current !== null && "prompt" in wish.current && now.draft.trim() === wish.current.prompt;
    changeTalk({
      pictures: [...now.pictures.filter(({ id }) => id !== made.id), made],
      ...(isOwnWords ? { draft: "" } : {}),
    });
  });
  return {
    ...intention,
    wish: wish.current,
    make(wanted) {
      const now = talk.read();
      const base = now && baseOf(now);
      if (!now || !base || intention.isBusy) return;
      turnFailure.write(null);
      wish.current = wanted;
      body.current = {
        ...wanted,
        ...(base.kind === "photo" ? { photo_id: base.id } : { generation_id: base.id }),
        ...(now.sessionId === null ? {} : { session_id: now.sessionId }),
      };
      run();
    },
  };
}

/** Pictures of a conversation in which nothing was said belong together too. */
async function beginSession(): Promise<string> {
  const { session_id: id } = await answerOf(api.editing.reset.post({}));
  changeTalk({ sessionId: id });
  return id;
}
