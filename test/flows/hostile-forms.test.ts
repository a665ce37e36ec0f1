import { describe, expect, test } from "bun:test";
import { UPLOAD_BYTES_MAX } from "../../src/platform/images/index.ts";
import * as hostile from "../support/hostile-files.ts";
import { picture, uploadForm } from "../support/pictures.ts";
import { rawRequest } from "../support/raw-request.ts";
import { JPEG, PROMPT_MS, type Problem, useUploads } from "../support/uploads.ts";

const { shared, port, person, send, sendPhoto, stored, expectHealthy, expectNothingStored, expectInOrder } =
  useUploads();
const jpeg = () => picture();

describe("X9 the form around the photos", () => {
  test("X9 5 MB and one byte are too large, and the answer says which photo it is", async () => {
    const before = await stored();
    const big = await hostile.jpegOfSize(UPLOAD_BYTES_MAX + 1);
    for (const [field, other] of [
      ["user_photo", "item_photo"],
      ["item_photo", "user_photo"],
    ] as const) {
      for (const form of [
        { [field]: { bytes: big } },
        { [field]: { bytes: big }, [other]: { bytes: await jpeg() } },
        { [other]: { bytes: await jpeg() }, [field]: { bytes: big } },
      ]) {
        const response = await send(uploadForm(form));
        expect(response.status).toBe(413);
        expect(await response.json()).toMatchObject({ code: "file_too_large", field, bytes_max: UPLOAD_BYTES_MAX });
      }
    }
    await expectNothingStored(before);
  });

  const photo = async () => new File([await jpeg()], "photo.jpg", { type: JPEG });
  const forms: [what: string, make: () => Promise<FormData>, path: string][] = [
    ["no part at all", async () => formOf([]), "user_photo"],
    ["a part of an unknown name", async () => formOf([["avatar", await photo()]]), "avatar"],
    [
      "an unknown part beside a known one",
      async () =>
        formOf([
          ["user_photo", await photo()],
          ["zone", "top"],
        ]),
      "zone",
    ],
    [
      "two parts of one name",
      async () =>
        formOf([
          ["user_photo", await photo()],
          ["user_photo", await photo()],
        ]),
      "user_photo",
    ],
    ["a text instead of a file", async () => formOf([["user_photo", "photo.jpg"]]), "user_photo"],
    ["an empty file", async () => formOf([["item_photo", new File([], "photo.jpg", { type: JPEG })]]), "item_photo"],
  ];
  for (const [what, make, path] of forms) {
    test(`X9 ${what} is refused and named`, async () => {
      const before = await stored();
      const response = await send(await make());
      const problem = (await response.json()) as Problem;
      expect([response.status, problem.code]).toEqual([422, "validation_failed"]);
      expect(problem.errors?.map((error) => error.path)).toContain(path);
      await expectNothingStored(before);
    });
  }

  test("X9 a body that is no form is refused", async () => {
    const before = await stored();
    for (const [body, type, status, code] of [
      [await jpeg(), JPEG, 415, "media_type_unsupported"],
      ["{}", "application/json", 415, "media_type_unsupported"],
      ["a=1", "application/x-www-form-urlencoded", 415, "media_type_unsupported"],
      ["--x", "multipart/form-data", 400, "malformed_body"],
      ["rubbish", "multipart/form-data; boundary=x", 400, "malformed_body"],
    ] as const) {
      const response = await send(body, { headers: { "content-type": type } });
      expect([response.status, ((await response.json()) as Problem).code]).toEqual([status, code]);
    }
    await expectNothingStored(before);
  });

  test("J8 a file's own name is used nowhere", async () => {
    const name = "../../../../tmp/evil<script>.php\u0000.jpg";
    const response = await send(formOf([["user_photo", new File([await jpeg()], name, { type: JPEG })]]));
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("evil");
    for (const path of (await stored()).names) {
      expect(path.slice(shared().database.dataFolder.length)).toMatch(
        /^\/files\/photos\/[0-9a-f]{2}\/[0-9a-f-]{36}\.jpg$/,
      );
    }
  });
});

function formOf(parts: [string, string | File][]): FormData {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return form;
}

describe("X9 the connection under the form", () => {
  const BOUNDARY = "----formBoundary7MA4YWxk";
  const opening = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="user_photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  const closing = `\r\n--${BOUNDARY}--\r\n`;
  const head = (framing: string, token?: string) =>
    [
      "POST /api/v1/fitting/upload HTTP/1.1",
      "Host: atelier",
      `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
      framing,
      "\r\n",
    ].join("\r\n");
  const chunk = (bytes: Uint8Array | string) => {
    const content = Buffer.from(bytes);
    return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from("\r\n")]);
  };

  test("X9 an anonymous upload gets 401 while its body is still to come, whatever it is", async () => {
    const before = await stored();
    for (const framing of [
      `Content-Length: ${UPLOAD_BYTES_MAX}`,
      "Content-Length: 60000000",
      "Transfer-Encoding: chunked",
    ]) {
      const { status, text, ms } = await rawRequest(port(), [head(framing), opening.slice(0, 20)]);
      expect([status, text.includes('"unauthenticated"')]).toEqual([401, true]);
      expect(ms).toBeLessThan(PROMPT_MS);
    }
    await expectNothingStored(before);
  });

  test("X9 a chunked body without a length is read like any other", async () => {
    const pieces = [chunk(opening), chunk(await jpeg()), chunk(closing), "0\r\n\r\n"];
    const { status, text } = await rawRequest(port(), [head("Transfer-Encoding: chunked", person().token), ...pieces]);
    expect([status, text.includes('"user_photo"')]).toEqual([200, true]);
  });

  test("X9 a chunked body that goes on and on is cut off with 413 at its limit", async () => {
    const before = await stored();
    const pieces = Array.from({ length: 12 }, () => chunk(Buffer.alloc(512 * 1024, 0x20)));
    const sent = [head("Transfer-Encoding: chunked", person().token), chunk(opening), ...pieces];
    const { status, text } = await rawRequest(port(), sent);
    expect([status, text.includes('"file_too_large"')]).toEqual([413, true]);
    await expectNothingStored(before);
  });

  test("X9 an announced length of half a gigabyte is refused before it arrives", async () => {
    const { status, ms } = await rawRequest(port(), [head("Content-Length: 500000000", person().token), opening]);
    expect(status).toBe(413);
    expect(ms).toBeLessThan(PROMPT_MS);
  });

  test("X9 whoever lets many bodies trickle in keeps nobody else waiting", async () => {
    const slow = await shared().signIn();
    const length = `Content-Length: ${opening.length + 100_000}`;
    const trickle = Array.from({ length: 8 }, (_, index) => [index === 0 ? opening : "x", 250]).flat();
    const slowOnes = Array.from({ length: 24 }, () =>
      rawRequest(port(), [head(length, slow.token), ...trickle], { hangUp: true }),
    );
    await Bun.sleep(500);
    for (let round = 0; round < 4; round += 1) {
      await expectHealthy();
      const startedAt = performance.now();
      expect((await sendPhoto(await jpeg())).status).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(2 * PROMPT_MS);
    }
    await Promise.all(slowOnes);
  });

  test("X9 clients that hang up in the middle leave nothing behind, no place taken and no error", async () => {
    const before = await stored();
    const body = [head("Content-Length: 100000", person().token), opening, await jpeg(), 20];
    await Promise.all(Array.from({ length: 20 }, () => rawRequest(port(), body, { hangUp: true })));
    const startedAt = performance.now();
    expect((await sendPhoto(await jpeg())).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(2 * PROMPT_MS);
    expect((await stored()).rows).toBe(before.rows + 1);
  });

  test("X9 64 uploads at once all arrive, while the server goes on answering", async () => {
    const busy = await shared().signIn();
    const bytes = await picture({ width: 900, height: 700 });
    const before = await stored();
    const uploads = Array.from({ length: 64 }, () => sendPhoto(bytes, JPEG, busy));
    let running = true;
    const probes = (async () => {
      while (running) {
        await expectHealthy();
        await Bun.sleep(20);
      }
    })();
    const statuses = (await Promise.all(uploads)).map((response) => response.status);
    running = false;
    await probes;
    expect(statuses).toEqual(Array.from({ length: 64 }, () => 200));
    expect((await stored()).rows).toBe(before.rows + 64);
  });
});

test("X9 after all of that everything stored is a JPEG of our own making, and nothing was an error", expectInOrder);
