import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { files } from "../../src/features/photos/index.ts";
import { UPLOAD_BYTES_MAX } from "../../src/platform/images/index.ts";
import { type Person, useTestApp } from "../support/app.ts";
import * as hostile from "../support/hostile-files.ts";
import { picture, uploadForm } from "../support/pictures.ts";
import { rawRequest } from "../support/raw-request.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Problem = {
  code: string;
  field?: string;
  errors?: { path: string; message: string }[];
  [member: string]: unknown;
};

const JPEG = "image/jpeg";
const PNG = "image/png";
const WEBP = "image/webp";
const UNSUPPORTED = [415, "file_type_unsupported"] as const;
const CORRUPT = [422, "file_corrupt"] as const;
const TOO_MANY_PIXELS = [422, "image_too_many_pixels"] as const;
const TOO_SMALL = [422, "image_too_small"] as const;

/** Far above what the routes take, far below what would be felt as waiting. */
const PROMPT_MS = 500;

const shared = useTestApp();
let port = 0;
let person: Person;
beforeAll(async () => {
  port = await shared().listen();
  person = await shared().signIn();
});

const url = () => `http://127.0.0.1:${port}/api/v1/fitting/upload`;

function send(body: BodyInit, options: { as?: Person; headers?: Record<string, string> } = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${(options.as ?? person).token}`, ...options.headers };
  return fetch(url(), { method: "POST", body, headers });
}

const sendPhoto = (bytes: Bytes, type = JPEG, as = person) => send(uploadForm({ user_photo: { bytes, type } }), { as });

interface Stored {
  rows: number;
  names: string[];
}

/** What lies in the storage's folder, hidden files included, and how many rows know of pictures. */
async function stored(): Promise<Stored> {
  const folder = join(shared().database.dataFolder, "files");
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return { rows: (await shared().ctx.db.select({ id: files.id }).from(files)).length, names };
}

const FOREIGN = ["Exif", "GPS", "http://ns.adobe.com", "ICC_PROFILE", "Photoshop", hostile.PHONE_SECRET, "PK\x03\x04"];
const FOREIGN_TEXT = ["<script", "<html", "%PDF", "notes of the camera", "Spyphone", "evil"];

/** Asserts that the bytes are a JPEG as we encode it, and nothing besides. */
async function expectOurEncoding(bytes: Uint8Array): Promise<void> {
  expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  expect(hostile.tailBytesOfJpeg(bytes)).toBe(0);
  const text = Buffer.from(bytes).toString("latin1");
  for (const trace of [...FOREIGN, ...FOREIGN_TEXT]) expect(text).not.toContain(trace);
  const facts = await sharp(bytes).metadata();
  expect(facts).toMatchObject({ format: "jpeg", space: "srgb", depth: "uchar", channels: 3 });
  for (const kind of ["exif", "icc", "xmp", "iptc", "orientation", "comments", "pages"]) {
    expect(facts).not.toHaveProperty(kind);
  }
}

async function expectHealthy(): Promise<void> {
  const startedAt = performance.now();
  const health = await fetch(`http://127.0.0.1:${port}/health/live`);
  expect(health.status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
}

/** Asserts that a refusal left nothing behind. */
async function expectNothingStored(before: Stored): Promise<void> {
  expect(await stored()).toEqual(before);
}

type Row = [what: string, type: string, make: () => Promise<Bytes> | Bytes, refusal: readonly [number, string]];
const jpeg = () => picture();
const png = () => picture({ format: "png" });
const webp = () => picture({ format: "webp" });

const REFUSED: Row[] = [
  ["a PNG declared as JPEG", JPEG, png, UNSUPPORTED],
  ["a JPEG declared as PNG", PNG, jpeg, UNSUPPORTED],
  ["a WebP declared as JPEG", JPEG, webp, UNSUPPORTED],
  ["a JPEG declared as WebP", WEBP, jpeg, UNSUPPORTED],
  ["a JPEG declared as GIF", "image/gif", jpeg, UNSUPPORTED],
  ["a JPEG declared as a page", "text/html", jpeg, UNSUPPORTED],
  ["a JPEG declared as some bytes", "application/octet-stream", jpeg, UNSUPPORTED],
  ["a JPEG declared as two types", "image/jpeg, image/png", jpeg, UNSUPPORTED],
  ["a JPEG cut in the middle", JPEG, async () => hostile.truncated(await jpeg(), 0.5), CORRUPT],
  ["a JPEG without its last bytes", JPEG, async () => (await jpeg()).slice(0, -2), CORRUPT],
  ["a JPEG's first three bytes", JPEG, async () => (await jpeg()).slice(0, 3), CORRUPT],
  ["a PNG cut in the middle", PNG, async () => hostile.truncated(await png(), 0.5), CORRUPT],
  ["a PNG that is only a header", PNG, async () => (await png()).slice(0, 33), CORRUPT],
  ["a PNG with a wrong check sum", PNG, hostile.damagedPng, CORRUPT],
  ["a WebP cut in the middle", WEBP, async () => hostile.truncated(await webp(), 0.5), CORRUPT],
  ["a WebP without its last byte", WEBP, async () => (await webp()).slice(0, -1), CORRUPT],
  ["a JPEG with a zip behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.zipArchive()), UNSUPPORTED],
  ["a PNG with a zip behind it", PNG, async () => hostile.joined(await png(), hostile.zipArchive()), UNSUPPORTED],
  ["a JPEG with a page behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.HTML_PAGE), UNSUPPORTED],
  ["a WebP with a page behind it", WEBP, async () => hostile.joined(await webp(), hostile.HTML_PAGE), UNSUPPORTED],
  ["a JPEG with a PDF behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a GIF's header before a JPEG", "image/gif", async () => hostile.joined("GIF89a", await jpeg()), UNSUPPORTED],
  ["a GIF's header before a JPEG, as JPEG", JPEG, async () => hostile.joined("GIF89a", await jpeg()), UNSUPPORTED],
  ["a page before a JPEG", JPEG, async () => hostile.joined(hostile.HTML_PAGE, await jpeg()), UNSUPPORTED],
  ["an SVG", "image/svg+xml", () => hostile.joined(hostile.SVG_DRAWING), UNSUPPORTED],
  ["an SVG as PNG", PNG, () => hostile.joined(hostile.SVG_DRAWING), UNSUPPORTED],
  ["a GIF", "image/gif", () => hostile.pictureAs("gif"), UNSUPPORTED],
  ["a GIF as PNG", PNG, () => hostile.pictureAs("gif"), UNSUPPORTED],
  ["an animated GIF", "image/gif", () => hostile.animation("gif"), UNSUPPORTED],
  ["an animated WebP", WEBP, () => hostile.animation("webp"), UNSUPPORTED],
  ["an animated PNG", PNG, hostile.animatedPng, UNSUPPORTED],
  ["a TIFF", "image/tiff", () => hostile.pictureAs("tiff"), UNSUPPORTED],
  ["a TIFF as JPEG", JPEG, () => hostile.pictureAs("tiff"), UNSUPPORTED],
  ["an AVIF as JPEG", JPEG, () => hostile.pictureAs("avif"), UNSUPPORTED],
  ["a HEIC", "image/heic", hostile.heicLookalike, UNSUPPORTED],
  ["a HEIC as JPEG", JPEG, hostile.heicLookalike, UNSUPPORTED],
  ["a PDF", "application/pdf", () => hostile.joined(hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a PDF as JPEG", JPEG, () => hostile.joined(hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a zip as PNG", PNG, () => hostile.zipArchive(), UNSUPPORTED],
  ["one byte", JPEG, () => hostile.joined("x"), UNSUPPORTED],
  ["a whole PNG of 30 000 x 30 000 pixels", PNG, () => hostile.bombPng(), TOO_MANY_PIXELS],
  ["a JPEG that claims 30 000 x 30 000", JPEG, () => hostile.jpegThatClaims(30_000, 30_000), TOO_MANY_PIXELS],
  ["a JPEG that claims 1 x 65 500", JPEG, () => hostile.jpegThatClaims(1, 65_500), TOO_SMALL],
  ["a JPEG that claims just over 40 megapixels", JPEG, () => hostile.jpegThatClaims(6_400, 6_251), TOO_MANY_PIXELS],
  ["a JPEG that claims 36 megapixels and has none", JPEG, () => hostile.jpegThatClaims(6_000, 6_000), CORRUPT],
  ["a WebP that claims 16 383 x 16 383", WEBP, hostile.webpThatClaimsTheMost, TOO_MANY_PIXELS],
  ["a picture of 63 x 63", JPEG, () => picture({ width: 63, height: 63 }), TOO_SMALL],
  ["a strip of 64 x 2 000", PNG, () => picture({ width: 64, height: 2_000, format: "png" }), TOO_SMALL],
];

describe("X9 what is no photo is refused with its reason, and nothing of it is kept", () => {
  // So that there is a storage folder to look into.
  test("a photo is accepted", async () => {
    expect((await sendPhoto(await jpeg())).status).toBe(200);
  });

  for (const [what, type, make, [status, code]] of REFUSED) {
    test(`X9 ${what}: ${code}`, async () => {
      const before = await stored();
      const response = await sendPhoto(await make(), type);
      const problem = (await response.json()) as Problem;
      expect([response.status, problem.code, problem.field]).toEqual([status, code, "user_photo"]);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      await expectNothingStored(before);
    });
  }

  test("X9 the second photo's fault names the second photo, and the first is not kept either way a person can see", async () => {
    const body = uploadForm({ user_photo: { bytes: await jpeg() }, item_photo: { bytes: await png() } });
    const response = await send(body);
    expect(await response.json()).toMatchObject({ code: "file_type_unsupported", field: "item_photo" });
  });

  test("X9 bombs cost neither time nor memory", async () => {
    const bombs = [hostile.bombPng(), await hostile.textBombPng(60_000_000)];
    await sendPhoto(await png(), PNG);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const startedAt = performance.now();
    for (let round = 0; round < 5; round += 1) for (const bytes of bombs) await (await sendPhoto(bytes, PNG)).json();
    expect((performance.now() - startedAt) / 10).toBeLessThan(PROMPT_MS);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("X9 photos of unusual kinds are accepted and come out as ours", () => {
  const accepted: [what: string, type: string, make: () => Promise<Bytes>][] = [
    ["a JPEG by its unregistered name", "image/jpg", jpeg],
    ["a JPEG with parameters behind its type", "IMAGE/JPEG; charset=binary", jpeg],
    ["a PNG", PNG, png],
    ["a WebP", WEBP, webp],
    ["a PNG of 16 bits", PNG, hostile.deepPng],
    ["a JPEG in four inks", JPEG, hostile.cmykJpeg],
    ["a JPEG with a second JPEG behind it", JPEG, async () => hostile.joined(await jpeg(), await jpeg())],
    ["a JPEG with a camera's notes behind it", JPEG, async () => hostile.joined(await jpeg(), "notes of the camera")],
    ["a PNG whose text unpacks to 60 MB", PNG, () => hostile.textBombPng(60_000_000)],
    ["a JPEG of exactly 5 MB", JPEG, () => hostile.jpegOfSize(UPLOAD_BYTES_MAX)],
  ];
  for (const [what, type, make] of accepted) {
    test(`X9 ${what}`, async () => {
      const bytes = await make();
      const response = await sendPhoto(bytes, type);
      const answer = (await response.json()) as { user_photo: { url: string; bytes: number } };
      expect([response.status, Object.keys(answer)]).toEqual([200, ["user_photo"]]);
      const link = await fetch(`http://127.0.0.1:${port}${new URL(answer.user_photo.url).pathname}`);
      const kept = await link.bytes();
      expect(link.headers.get("content-type")).toBe("image/jpeg");
      expect(kept.byteLength).toBe(answer.user_photo.bytes);
      await expectOurEncoding(kept);
    });
  }

  for (const [orientation, { red, blue, turned }] of Object.entries(hostile.UPRIGHT)) {
    test(`X7 EXIF orientation ${orientation} is applied, and the place where it was taken is gone`, async () => {
      const photo = await hostile.phonePhoto(Number(orientation));
      expect(Buffer.from(photo).includes(hostile.PHONE_SECRET)).toBe(true);
      const response = await sendPhoto(photo);
      const { user_photo: view } = (await response.json()) as {
        user_photo: { url: string; width: number; height: number };
      };
      expect([view.width, view.height]).toEqual(turned ? [160, 240] : [240, 160]);
      const kept = await (await fetch(`http://127.0.0.1:${port}${new URL(view.url).pathname}`)).bytes();
      await expectOurEncoding(kept);
      const [atRed, atBlue] = [await hostile.colourAt(kept, red), await hostile.colourAt(kept, blue)];
      expect(atRed.red - atRed.blue).toBeGreaterThan(150);
      expect(atBlue.blue - atBlue.red).toBeGreaterThan(150);
    });
  }
});

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
      const { status, text, ms } = await rawRequest(port, [head(framing), opening.slice(0, 20)]);
      expect([status, text.includes('"unauthenticated"')]).toEqual([401, true]);
      expect(ms).toBeLessThan(PROMPT_MS);
    }
    await expectNothingStored(before);
  });

  test("X9 a chunked body without a length is read like any other", async () => {
    const pieces = [chunk(opening), chunk(await jpeg()), chunk(closing), "0\r\n\r\n"];
    const { status, text } = await rawRequest(port, [head("Transfer-Encoding: chunked", person.token), ...pieces]);
    expect([status, text.includes('"user_photo"')]).toEqual([200, true]);
  });

  test("X9 a chunked body that goes on and on is cut off with 413 at its limit", async () => {
    const before = await stored();
    const pieces = Array.from({ length: 12 }, () => chunk(Buffer.alloc(512 * 1024, 0x20)));
    const sent = [head("Transfer-Encoding: chunked", person.token), chunk(opening), ...pieces];
    const { status, text } = await rawRequest(port, sent);
    expect([status, text.includes('"file_too_large"')]).toEqual([413, true]);
    await expectNothingStored(before);
  });

  test("X9 an announced length of half a gigabyte is refused before it arrives", async () => {
    const { status, ms } = await rawRequest(port, [head("Content-Length: 500000000", person.token), opening]);
    expect(status).toBe(413);
    expect(ms).toBeLessThan(PROMPT_MS);
  });

  test("X9 whoever lets many bodies trickle in keeps nobody else waiting", async () => {
    const slow = await shared().signIn();
    const length = `Content-Length: ${opening.length + 100_000}`;
    const trickle = Array.from({ length: 8 }, (_, index) => [index === 0 ? opening : "x", 250]).flat();
    const slowOnes = Array.from({ length: 24 }, () =>
      rawRequest(port, [head(length, slow.token), ...trickle], { hangUp: true }),
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
    const body = [head("Content-Length: 100000", person.token), opening, await jpeg(), 20];
    await Promise.all(Array.from({ length: 20 }, () => rawRequest(port, body, { hangUp: true })));
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

describe("X9 after all of that", () => {
  test("every stored file is a JPEG of our own making with a row, and every row has its file", async () => {
    const { names, rows } = await stored();
    expect(names.length).toBe(rows);
    const keys = new Set((await shared().ctx.db.select({ key: files.storageKey }).from(files)).map((row) => row.key));
    for (const name of names) {
      expect(keys.has(name.slice(join(shared().database.dataFolder, "files").length + 1))).toBe(true);
      await expectOurEncoding(readFileSync(name));
    }
  });

  test("the server answers, and nothing was an error", async () => {
    await expectHealthy();
    expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});
