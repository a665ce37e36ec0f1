import { describe, expect, test } from "bun:test";
import { readUpload } from "../../../src/platform/http/multipart.ts";
import { within } from "../../support/timing.ts";
import {
  BOUNDARY,
  CONTENT_TYPE,
  codeFor,
  cut,
  file,
  KIB,
  multipart,
  RULES,
  refusalOf,
  request,
  source,
} from "./multipart-bodies.ts";

describe("size", () => {
  const big = "x".repeat(RULES.bytesMax + 1);

  test("one byte over the limit is too large, in either field", async () => {
    expect(await codeFor([file("user_photo", big)])).toBe("file_too_large");
    expect(await codeFor([file("user_photo"), file("item_photo", big)])).toBe("file_too_large");
  });

  test("an announced size over the limit is refused before a byte is read", async () => {
    const { body, pulled } = source(cut(multipart([file("user_photo")]), 10));
    const announced = request(body, CONTENT_TYPE, { "content-length": String(4 * RULES.bytesMax) });
    expect((await refusalOf(readUpload(announced, RULES))).code).toBe("file_too_large");
    expect(pulled()).toBe(0);
  });

  test("a body that announced nothing is cancelled as soon as the limit is passed", async () => {
    const endless = source(
      (function* () {
        yield multipart([file("user_photo")], "").subarray(0, -"bytes\r\n".length);
        while (true) yield new Uint8Array(KIB);
      })(),
    );
    expect((await refusalOf(readUpload(request(endless.body), RULES))).code).toBe("file_too_large");
    expect(endless.pulled()).toBeLessThanOrEqual(RULES.bytesMax / KIB + 3);
    expect(endless.cancelled()).toBe(true);
  });

  test("an endless tail behind the last part is cancelled too", async () => {
    const endless = source(
      (function* () {
        yield multipart([file("user_photo"), file("item_photo")]);
        while (true) yield new Uint8Array(KIB);
      })(),
    );
    expect((await refusalOf(readUpload(request(endless.body), RULES))).code).toBe("file_too_large");
    expect(endless.cancelled()).toBe(true);
    expect(endless.pulled()).toBeLessThan(3 * (RULES.bytesMax / KIB));
  });

  test("reading stops at an unknown field, however much follows", async () => {
    const body = source([multipart([file("avatar")], ""), multipart([file("user_photo")]), new Uint8Array(9)]);
    expect((await refusalOf(readUpload(request(body.body), RULES))).code).toBe("validation_failed");
    expect(body.cancelled()).toBe(true);
    expect(body.pulled()).toBeLessThan(3);
  });

  test("a flood of tiny chunks, which cost a hundred times their size, is refused", async () => {
    const rules = { ...RULES, fields: ["photo"] };
    const tiny = source(cut(multipart([file("photo", "x".repeat(10 * KIB))]), 1));
    expect((await refusalOf(readUpload(request(tiny.body), rules))).code).toBe("malformed_body");
    expect(tiny.cancelled()).toBe(true);
    const packets = source(cut(multipart([file("photo", "x".repeat(60 * KIB))]), 536));
    expect((await readUpload(request(packets.body), rules)).size).toBe(1);
  });

  test("headers of a part have a limit", async () => {
    const padded = {
      ...file("user_photo"),
      headers: [...(file("user_photo").headers ?? []), `X-Pad: ${"x".repeat(5_000)}`],
    };
    expect(await codeFor([padded])).toBe("malformed_body");
  });
});

describe("damage", () => {
  test("other content types are refused", async () => {
    for (const contentType of [
      "",
      "application/json",
      "multipart/mixed; boundary=x",
      "text/plain; multipart/form-data",
      "multipart/form-dataX; boundary=x",
    ]) {
      const { code } = await refusalOf(readUpload(request("x", contentType), RULES));
      expect(code).toBe("media_type_unsupported");
    }
  });

  test("a boundary that is missing, empty, too long or not allowed is refused", async () => {
    const faulty = [
      "",
      "; boundary",
      "; boundary=",
      '; boundary=""',
      `; boundary=${"x".repeat(71)}`,
      '; boundary="a\\"b"',
      "; xboundary=abc",
      '; boundary="ends with space "',
    ];
    for (const parameter of faulty) {
      const { code } = await refusalOf(readUpload(request("x", `multipart/form-data${parameter}`), RULES));
      expect(code).toBe("malformed_body");
    }
  });

  test("a body without the announced boundary, an empty one and none at all are refused", async () => {
    const whole = multipart([file("user_photo"), file("item_photo")]);
    const bodies = [
      "",
      "x",
      "\r\n".repeat(50),
      `preamble\r\n${whole}`,
      whole.toString().replaceAll("A1b2", "XXXX"),
      null,
    ];
    for (const body of bodies) {
      expect((await refusalOf(readUpload(request(body), RULES))).code).toBe("malformed_body");
    }
  });

  test("a body cut off anywhere is refused", async () => {
    const whole = multipart([file("user_photo"), file("item_photo")], `--${BOUNDARY}--`);
    for (let length = 0; length < whole.length; length += 1) {
      const { code } = await refusalOf(readUpload(request(whole.subarray(0, length)), RULES));
      expect(code).toBe("malformed_body");
    }
    expect((await readUpload(request(whole), RULES)).size).toBe(2);
  });

  test("headers that are no UTF-8 are refused", async () => {
    const header = Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="user_photo"; filename="\xff"\r\n\r\n`,
      "latin1",
    );
    const body = Buffer.concat([header, Buffer.from(`x\r\n--${BOUNDARY}--\r\n`)]);
    expect((await refusalOf(readUpload(request(body), RULES))).code).toBe("malformed_body");
  });

  test("a body that fails to arrive is a malformed one, and one already read is refused", async () => {
    const failing = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("reset"));
      },
    });
    expect((await refusalOf(readUpload(request(failing), RULES))).code).toBe("malformed_body");
    const used = request(multipart([file("user_photo")]));
    await used.arrayBuffer();
    expect((await refusalOf(readUpload(used, RULES))).code).toBe("malformed_body");
  });

  test("a source that never answers a cancel does not hold up the refusal", async () => {
    const silent = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => {}),
      cancel: () => new Promise(() => {}),
    });
    const startedAt = performance.now();
    expect((await refusalOf(readUpload(request(silent), { ...RULES, deadlineMs: 50 }))).code).toBe("upload_too_slow");
    expect(performance.now() - startedAt).toBeLessThan(within(2_000, 15_000));
  });
});
