import { ProviderFailure } from "../platform/errors.ts";
import { LostAnswer, logCall, type ProviderRequest, sendRequest, transportFailure } from "./provider-http.ts";

export interface ProviderStreamRequest extends ProviderRequest {
  /** The longest silence: before the answer begins, and between two pieces of it. */
  idleMs?: number;
  /** The caller's own way out; the connection is dropped, and the call throws the signal's reason. */
  signal?: AbortSignal;
}

export interface ProviderStream {
  status: number;
  headers: Headers;
  /** The body as it arrives, cut anywhere, though never inside a character. Can be read once. */
  pieces: AsyncIterable<string>;
}

/**
 * One outside call whose answer is read while it is still being written. `read` may return before the end; the
 * connection is closed in any case. What `read` throws goes through as it is.
 *
 * Throws `ProviderFailure` for the transport, by the rules of `providerRequest`.
 */
export async function providerStream<T>(
  request: ProviderStreamRequest,
  read: (answer: ProviderStream) => Promise<T>,
): Promise<T> {
  request.signal?.throwIfAborted();
  const startedAt = performance.now();
  const controller = new AbortController();
  const watch = startWatch(request);
  let status: number | undefined;
  try {
    const response = await watch.race(sendRequest(request, controller.signal));
    watch.heard();
    status = response.status;
    const pieces = piecesOf(response, request.bytesMax, watch);
    const result = await read({ status, headers: response.headers, pieces });
    logCall(request, startedAt, { status });
    return result;
  } catch (error) {
    const failure = error instanceof ProviderFailure ? { failure: error.kind, reason: error.message } : {};
    logCall(request, startedAt, { status, ...failure });
    throw error;
  } finally {
    watch.stop();
    controller.abort();
  }
}

async function* piecesOf(response: Response, bytesMax: number, watch: Watch): AsyncGenerator<string, void> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await watch.race(reader.read());
    watch.heard();
    bytes += value?.byteLength ?? 0;
    if (bytes > bytesMax)
      await watch.race(Promise.reject(new LostAnswer(`the answer has more than ${bytesMax} bytes`)));
    const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (text !== "") yield text;
    if (done) return;
  }
}

interface Watch {
  /** Waits no longer than the limits allow; turns what breaks into a failure of the provider. */
  race<T>(step: Promise<T>): Promise<T>;
  /** Something came: the silence begins anew. */
  heard(): void;
  stop(): void;
}

/** The limits of time, raced by hand: aborts have been seen not to fire while the other side is saturated. */
function startWatch(request: ProviderStreamRequest): Watch {
  const { signal, idleMs, timeoutMs } = request;
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => {});
  const lose = (reason: string) => (): void => over.reject(new LostAnswer(reason));
  const listen = (): ReturnType<typeof setTimeout> | undefined =>
    idleMs === undefined ? undefined : setTimeout(lose(`silent for ${idleMs} ms`), idleMs);
  const whole = setTimeout(lose(`no whole answer within ${timeoutMs} ms`), timeoutMs);
  let silence = listen();
  const leave = lose("the caller left");
  signal?.addEventListener("abort", leave, { once: true });
  return {
    async race(step) {
      step.catch(() => {});
      try {
        return await Promise.race([step, over.promise]);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw transportFailure(request, error);
      }
    },
    heard() {
      clearTimeout(silence);
      silence = listen();
    },
    stop() {
      clearTimeout(whole);
      clearTimeout(silence);
      signal?.removeEventListener("abort", leave);
    },
  };
}
