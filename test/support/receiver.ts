/** Another party's end of a webhook: a server on loopback that keeps what it gets. */
export interface Receiver<Delivery> {
  readonly url: string;
  readonly received: Delivery[];
  /** What it answers from now on; called with the number of the delivery, from 1. */
  answer: (count: number) => Response | Promise<Response>;
  stop(): Promise<void>;
}

/** Starts one at `path`; `read` makes of each delivery what the tests look at. */
export function startReceiver<Delivery>(
  path: string,
  read: (text: string, headers: Headers) => Delivery,
): Receiver<Delivery> {
  const received: Delivery[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    async fetch(request) {
      received.push(read(await request.text(), request.headers));
      return receiver.answer(received.length);
    },
  });
  const receiver: Receiver<Delivery> = {
    url: `http://127.0.0.1:${server.port}${path}`,
    received,
    answer: () => new Response("ok"),
    stop: () => server.stop(true),
  };
  return receiver;
}

/** JSON, or `otherwise` where it is none. */
export function parsedOr<T>(text: string, otherwise: T): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}
