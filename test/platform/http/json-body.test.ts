import { describe, expect, test } from "bun:test";
import { Refusal } from "../../../src/platform/errors.ts";
import { createArrivingBodies, JSON_BODY_BYTES_MAX, readJson } from "../../../src/platform/http/json-body.ts";
import { within } from "../../support/timing.ts";

const JSON_TYPE = { "content-type": "application/json" };

const requestOf = (body: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
  new Request("http://localhost/", { method: "POST", body, headers });

/** Sends its pieces, waiting where a number of ms stands, and never ends when `open`. */
function trickling(pieces: readonly (string | number)[], open = false) {
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      for (const piece of pieces) {
        if (typeof piece === "number") await Bun.sleep(piece);
        else if (!isCancelled) controller.enqueue(new TextEncoder().encode(piece));
      }
      if (!open && !isCancelled) controller.close();
    },
    cancel() {
      isCancelled = true;
    },
  });
  return { stream, isCancelled: () => isCancelled };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "read",
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

describe("a JSON body", () => {
  test("is read, whatever pieces it comes in, and letters cut in two are put together", async () => {
    const text = JSON.stringify({ text: 'Привет, «мир» 🙂 \\ " [ {' });
    const bytes = new TextEncoder().encode(text);
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await readJson(requestOf(pieces))).toEqual(JSON.parse(text));
  });

  test("may be nested as deep as anything of ours, and no deeper", async () => {
    const nested = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`;
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    for (const make of [nested, objects]) {
      expect(await codeOf(readJson(requestOf(make(32))))).toBe("read");
      expect(await codeOf(readJson(requestOf(make(33))))).toBe("malformed_body");
      expect(await codeOf(readJson(requestOf(make(8_000))))).toBe("malformed_body");
    }
    // Brackets in texts nest nothing, and neither do many side by side.
    expect(await codeOf(readJson(requestOf(JSON.stringify({ text: '[{"\\'.repeat(500) }))))).toBe("read");
    expect(await codeOf(readJson(requestOf(`[${"[],".repeat(5_000)}[]]`)))).toBe("read");
  });

  test("has no member in the place of a method that every object has, in whatever letters", async () => {
    for (const body of [
      '{"a":{"toString":1}}',
      '{"toString":1}',
      '[[{"valueOf":null}]]',
      '{"a":{"to\\u0053tring":1}}',
      '{"a":[1,{"b":{"value\\u004ff":{}}}]}',
    ]) {
      expect(await codeOf(readJson(requestOf(body)))).toBe("malformed_body");
    }
    for (const body of ['{"a":"toString"}', '["valueOf"]', '{"a":"\\u0053"}', '{"tostring":1}']) {
      expect(await codeOf(readJson(requestOf(body)))).toBe("read");
    }
  });

  test("has no NUL and no half of a pair in it, in a text or a name, however deep", async () => {
    for (const body of [
      '"\\u0000"',
      '{"a":"b\\u0000c"}',
      '{"a\\u0000":1}',
      '[[{"a":["\\u0000"]}]]',
      '"\\ud800"',
      '{"a\\udc00":1}',
    ]) {
      expect(await codeOf(readJson(requestOf(body)))).toBe("malformed_body");
    }
    expect(await codeOf(readJson(requestOf('"\\ud83d\\ude42"')))).toBe("read");
    // Six letters that tell of it are not it.
    expect(await codeOf(readJson(requestOf('{"a":"\\\\u0000"}')))).toBe("read");
  });

  test("is UTF-8 and not packed; anything else is refused unread", async () => {
    const read = (headers: Record<string, string>) => codeOf(readJson(requestOf("{}", headers)));
    for (const charset of ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"]) {
      expect([charset, await read({ "content-type": `application/json; charset=${charset}` })]).toEqual([
        charset,
        "read",
      ]);
    }
    for (const charset of ["utf-16", "windows-1251", "utf-7", "koi8-r", "made-up", '""']) {
      const type = `application/json; charset=${charset}`;
      expect([charset, await read({ "content-type": type })]).toEqual([charset, "media_type_unsupported"]);
    }
    for (const coding of ["gzip", "br", "deflate", "gzip, identity", "zstd"]) {
      expect(await read({ ...JSON_TYPE, "content-encoding": coding })).toBe("media_type_unsupported");
    }
    expect(await read({ ...JSON_TYPE, "content-encoding": "identity" })).toBe("read");
  });

  test("that trickles in is given up at its deadline, and its sender told to stop", async () => {
    const slow = trickling(['{"a":', 20, "1", 20], true);
    const startedAt = performance.now();
    expect(await codeOf(readJson(requestOf(slow.stream), { msMax: 150 }))).toBe("upload_too_slow");
    expect(performance.now() - startedAt).toBeWithin(140, within(1_500, 10_000));
    expect(slow.isCancelled()).toBe(true);
    // What came whole before the deadline is not late.
    expect(await codeOf(readJson(requestOf(trickling(["{", 30, "}"]).stream), { msMax: 1_500 }))).toBe("read");
    // And what had been whole as far as it came is not taken for whole.
    expect(await codeOf(readJson(requestOf(trickling(["{}"], true).stream), { msMax: 100 }))).toBe("upload_too_slow");
  });

  test("without a length is cut off at the limit", async () => {
    const body = trickling(Array.from({ length: 40 }, () => " ".repeat(8 * 1024)));
    expect(await codeOf(readJson(requestOf(body.stream)))).toBe("body_too_large");
    expect(await codeOf(readJson(requestOf("{}".padEnd(JSON_BODY_BYTES_MAX, " "))))).toBe("read");
  });
});

describe("bodies on their way", () => {
  test("of one network are so many at once; another network is not touched, and places come back", async () => {
    const bodies = createArrivingBodies();
    const slow = () => bodies.read(requestOf(trickling(["{"], true).stream), "198.51.100.7", { msMax: 300 });
    const waiting = Array.from({ length: 64 }, slow);
    expect(bodies.count).toBe(64);
    expect(await codeOf(slow())).toBe("busy");
    expect(await codeOf(bodies.read(requestOf("{}"), "198.51.100.8"))).toBe("read");
    const codes = await Promise.all(waiting.map(codeOf));
    expect(new Set(codes)).toEqual(new Set(["upload_too_slow"]));
    expect(bodies.count).toBe(0);
    expect(await codeOf(bodies.read(requestOf("{}"), "198.51.100.7"))).toBe("read");
  });

  test("of all networks together have a bound of their own", async () => {
    const bodies = createArrivingBodies();
    const read = (network: string) => bodies.read(requestOf(trickling(["{"], true).stream), network, { msMax: 400 });
    const waiting = Array.from({ length: 2_000 }, (_, index) => read(`10.0.${index % 250}.1`).catch(() => "late"));
    expect(bodies.count).toBe(2_000);
    expect(await codeOf(bodies.read(requestOf("{}"), "203.0.113.1"))).toBe("busy");
    await Promise.all(waiting);
    expect(bodies.count).toBe(0);
  });
});
