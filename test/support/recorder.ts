/** A request as it went over the wire. */
export interface Recorded {
  path: string;
  headers: string;
  /** As latin1, so that text can be searched for in any body. */
  body: string;
}

export interface Recorder {
  url: string;
  requests: Recorded[];
  /** Where everything is passed on to; to be set before the first request. */
  target: string;
  stop(): Promise<void>;
}

/** Stands between the product and an outside service, writes down what it is sent and passes it on unchanged. */
export function startRecorder(): Recorder {
  const requests: Recorded[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = await request.bytes();
      const headers = JSON.stringify(Object.fromEntries(request.headers));
      requests.push({ path: pathname + search, headers, body: Buffer.from(body).toString("latin1") });
      request.headers.delete("host");
      const passedOn = { method: request.method, headers: request.headers, ...(body.length > 0 ? { body } : {}) };
      const answer = await fetch(recorder.target + pathname + search, passedOn).catch(() => null);
      // As an edge says it whose origin hung up.
      if (answer === null) return new Response("Bad gateway", { status: 502 });
      const type = answer.headers.get("content-type") ?? "application/json";
      return new Response(await answer.bytes(), { status: answer.status, headers: { "content-type": type } });
    },
  });
  const recorder: Recorder = {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    target: "",
    stop: () => server.stop(true),
  };
  return recorder;
}
