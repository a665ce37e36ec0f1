import { inTime, S3_TRIES, type S3Answer, type S3Limits } from "./s3-calls.ts";
import { StorageFailure } from "./storage.ts";

/**
 * An object's bytes as they are read. An answer that breaks off or falls silent is continued where it ended, three times
 * in all; the stream ends when every byte has come, and with an error otherwise. Nothing is asked before the first read,
 * and no more is taken than is read.
 */
export function bodyOf(
  ask: (fromByte: number) => Promise<S3Answer>,
  bytes: number,
  limits: S3Limits,
): ReadableStream<Uint8Array> {
  let position = 0;
  let breaks = 0;
  let answer: S3Answer | null = null;
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  const letGo = () => {
    answer?.end();
    answer = null;
    reader = null;
  };

  /** The next piece, or null when this answer has no more. */
  const nextPiece = async (): Promise<Uint8Array | null> => {
    if (reader === null) {
      answer = await ask(position);
      reader = answer.body?.getReader() ?? null;
    }
    const step = reader === null ? { done: true as const } : await inTime(reader.read(), limits.pieceMs);
    return step.done ? null : (step.value ?? null);
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (position < bytes) {
          const piece = await nextPiece().catch((error: unknown) => {
            if (error instanceof StorageFailure) throw error;
            return null;
          });
          if (piece !== null && position + piece.byteLength > bytes) {
            letGo();
            throw new StorageFailure("the storage sent more of a file than it has");
          }
          if (piece !== null) {
            position += piece.byteLength;
            if (position === bytes) letGo();
            if (piece.byteLength === 0) continue;
            controller.enqueue(piece);
            break;
          }
          letGo();
          breaks += 1;
          if (breaks >= S3_TRIES) throw new StorageFailure(`a file broke off ${breaks} times while it was read`);
        }
        if (position >= bytes) controller.close();
      },
      cancel: letGo,
    },
    { highWaterMark: 0 },
  );
}
