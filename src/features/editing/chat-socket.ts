import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { databaseRefusal } from "../../platform/http/database-trouble.ts";
import { isUnfit } from "../../platform/http/json-body.ts";
import { type Problem, problemOf } from "../../platform/http/problem.ts";
import type { LiveHub } from "../../platform/live/hub.ts";
import type { TicketHolder } from "../auth/index.ts";
import { answerOf, type TurnAnswer } from "./answer.ts";
import { MESSAGE_LENGTH_MAX } from "./editing-prompt.ts";
import { MESSAGE_ID_LENGTH_MAX } from "./schemas.ts";
import { startTurn } from "./start-turn.ts";
import type { Variant } from "./tables.ts";

/** What a client says. `id` is its own name for the message; the same id again is the same turn, charged once. */
const ClientFrame = Type.Object(
  {
    type: Type.Literal("message"),
    id: Type.String({ minLength: 1, maxLength: MESSAGE_ID_LENGTH_MAX }),
    session_id: Type.Optional(Type.String({ maxLength: 64 })),
    content: Type.String({ minLength: 1, maxLength: MESSAGE_LENGTH_MAX * 2 }),
    photo_id: Type.Optional(Type.String({ maxLength: 64 })),
    generation_id: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);

/** What a client says, for whoever writes one. */
export type ChatMessageFrame = Static<typeof ClientFrame>;

/** What it is answered. */
export type ChatFrame =
  | { type: "hello" }
  | { type: "accepted"; id: string; session_id: string; turn_id: string }
  | { type: "delta"; id: string; text: string }
  | { type: "restart"; id: string }
  | { type: "variants"; id: string; message_id: string; content: string; variants: Variant[] }
  | { type: "done"; id: string; usage: TurnAnswer["usage"]; credits_spent: number }
  | ChatErrorFrame;

/** A refusal: the members of a problem, except for its type. Without an `id` it is about a frame that was none. */
export type ChatErrorFrame = Pick<Problem, "title" | "status" | "detail" | "code" | "request_id"> & {
  type: "error";
  id?: string;
  /** Seconds. */
  retry_after?: number;
};

/** Frames of one socket that wait for the one before; a client that sends more is cut off. */
const WAITING_FRAMES_MAX = 20;

/** What is needed of a socket. */
interface Raw {
  readonly readyState: number;
  send(text: string): unknown;
  close(code: number, reason: string): void;
}

/**
 * A conversation over a socket.
 *
 *   client:  message {id, session_id?, content, photo_id?, generation_id?}
 *   server:  accepted {id, session_id, turn_id}    the turn is paid for and will be answered, whatever becomes of the socket
 *            delta {id, text}                      the reply as it is written; `restart` says that it begins anew
 *            variants {id, message_id, content, variants}   the validated three
 *            done {id, usage, credits_spent}
 *            error {id?, ...problem}
 *
 * Frames of one socket are answered one after another. Which turn runs when is decided by the queue, not here; this only
 * watches, so a lost socket loses nothing: the client sends the same id again and watches the same turn.
 */
export function createChatSocket(root: Context, hub: LiveHub, raw: Raw, holder: TicketHolder, requestId: string) {
  const { person } = holder;
  const ctx: Context = { ...root, requestId, log: root.log.with({ request_id: requestId }) };
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  const send = (frame: ChatFrame) => {
    if (raw.readyState === WebSocket.OPEN) raw.send(JSON.stringify(frame));
  };
  const sendRefusal = (refusal: Refusal, id?: string) =>
    send({ ...problemOf(refusal, person.language, requestId), type: "error", ...(id === undefined ? {} : { id }) });

  const answer = async (frame: ChatMessageFrame) => {
    const turn = await startTurn(ctx, {
      userId: person.id,
      message: frame.content,
      clientId: frame.id,
      sessionId: frame.session_id,
      photoId: frame.photo_id,
      generationId: frame.generation_id,
    });
    const stopWatching = ctx.deltas.watch(turn.id, (text) =>
      send(text === null ? { type: "restart", id: frame.id } : { type: "delta", id: frame.id, text }),
    );
    try {
      send({ type: "accepted", id: frame.id, session_id: turn.sessionId, turn_id: turn.id });
      const result = await answerOf(ctx, hub, turn.id);
      const { id: message_id, content, variants } = result.message;
      send({ type: "variants", id: frame.id, message_id, content, variants });
      send({ type: "done", id: frame.id, usage: result.usage, credits_spent: result.credits_spent });
    } finally {
      stopWatching();
    }
  };

  const handle = async (frame: ChatMessageFrame) => {
    try {
      if (!(await holder.stillAllowed())) {
        raw.close(1008, "signed out");
        return;
      }
      await answer(frame);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : databaseRefusal(error);
      if (refusal) sendRefusal(refusal, frame.id);
      else {
        ctx.log.error("a chat frame met a bug", { error });
        sendRefusal(new Refusal("internal_error"), frame.id);
      }
    } finally {
      waiting -= 1;
    }
  };

  return {
    /** Takes one frame; what is not one of ours is answered with an error and forgotten. */
    take(message: unknown): void {
      const frame = typeof message === "string" ? parse(message) : message;
      if (isUnfit(frame)) {
        sendRefusal(new Refusal("malformed_body"));
        return;
      }
      if (!Value.Check(ClientFrame, frame)) {
        const faults = [...Value.Errors(ClientFrame, frame)].slice(0, 5);
        sendRefusal(
          new Refusal("validation_failed", {
            errors: faults.map(({ path, message: text }) => ({ path, message: text })),
          }),
        );
        return;
      }
      if (waiting >= WAITING_FRAMES_MAX) {
        raw.close(1008, "too many frames at once");
        return;
      }
      waiting += 1;
      last = last.then(() => handle(frame));
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
