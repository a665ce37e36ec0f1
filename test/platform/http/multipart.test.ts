import { describe, expect, test } from "bun:test";
import { readUpload, type UploadedPart, withUpload } from "../../../src/platform/http/multipart.ts";
import { BOUNDARY, codeFor, cut, errorsFor, file, KIB, multipart, RULES, request, source } from "./multipart-bodies.ts";

describe("an upload", () => {
  test("gives the bytes and the declared type of each field", async () => {
    const photo = crypto.getRandomValues(new Uint8Array(10 * KIB));
    const item = {
      ...file("item_photo", "item"),
      headers: [`content-disposition: form-data; name=item_photo; filename=x`, "content-type: IMAGE/PNG; charset=x"],
    };
    const parts = await readUpload(request(multipart([file("user_photo", photo), item])), RULES);
    expect([...parts.keys()]).toEqual(["user_photo", "item_photo"]);
    expect(parts.get("user_photo")).toEqual({ bytes: photo, declaredType: "image/jpeg" });
    expect(parts.get("item_photo")).toEqual({ bytes: new Uint8Array(Buffer.from("item")), declaredType: "image/png" });
  });

  test("is read the same however the body is cut into chunks", async () => {
    const tricky = `\r\n--${BOUNDARY.slice(0, -1)}\r\n--\r\n\r\n-${BOUNDARY}\r\n`;
    const body = multipart([file("user_photo", tricky), file("item_photo", "\r\n")]);
    for (let size = 1; size <= body.length; size += 1) {
      const parts = await readUpload(request(source(cut(body, size)).body), RULES);
      expect(Buffer.from(parts.get("user_photo")?.bytes ?? []).toString()).toBe(tricky);
      expect(Buffer.from(parts.get("item_photo")?.bytes ?? []).toString()).toBe("\r\n");
    }
  });

  test("made by the platform's own FormData is understood", async () => {
    const form = new FormData();
    form.set("user_photo", new File(["abc"], 'na"me\r\n; filename=фото.jpg', { type: "image/webp" }));
    const parts = await readUpload(new Request("http://localhost/", { method: "POST", body: form }), {
      ...RULES,
      requireOneOf: true,
    });
    expect(parts.get("user_photo")?.declaredType).toBe("image/webp");
    expect(Buffer.from(parts.get("user_photo")?.bytes ?? []).toString()).toBe("abc");
  });

  test("takes a file of exactly the limit, and a quoted boundary", async () => {
    const rules = { ...RULES, fields: ["photo"] };
    const full = request(
      multipart([file("photo", "x".repeat(RULES.bytesMax))]),
      `multipart/form-data;boundary="${BOUNDARY}"`,
    );
    expect((await readUpload(full, rules)).get("photo")?.bytes).toHaveLength(RULES.bytesMax);
  });

  test("ignores file names, however strange", async () => {
    const names = ["../../etc/passwd", "", "x\u0000.php", `${"n".repeat(2_000)}.jpg`];
    for (const filename of names) {
      const headers = [
        `Content-Disposition: form-data; name="photo"; filename="${filename}"`,
        "Content-Type: image/png",
      ];
      const parts = await readUpload(request(multipart([{ headers, content: "a" }])), { ...RULES, fields: ["photo"] });
      expect(Object.keys(parts.get("photo") ?? {})).toEqual(["bytes", "declaredType"]);
    }
    const unknownCharset = `Content-Disposition: form-data; name="photo"; filename*=klingon''%ff%fe`;
    const parts = [{ headers: [unknownCharset, "Content-Type: image/png"], content: "a" }];
    expect((await readUpload(request(multipart(parts)), { ...RULES, fields: ["photo"] })).size).toBe(1);
  });
});

describe("fields", () => {
  test("an unknown name is refused", async () => {
    expect(await errorsFor([file("user_photo"), file("avatar")])).toEqual([
      { path: "avatar", message: "unknown field; known are: user_photo, item_photo" },
    ]);
  });

  test("two parts of one name are refused", async () => {
    expect(await errorsFor([file("user_photo"), file("user_photo")])).toEqual([
      { path: "user_photo", message: "given more than once" },
    ]);
    expect(await codeFor([file("user_photo"), file("item_photo"), file("user_photo")])).toBe("validation_failed");
  });

  test("missing ones are all named; with requireOneOf one is enough, none is not", async () => {
    const needed = { message: "the file is required" };
    expect(await errorsFor([])).toEqual([
      { path: "user_photo", ...needed },
      { path: "item_photo", ...needed },
    ]);
    expect(await errorsFor([file("user_photo")])).toEqual([{ path: "item_photo", ...needed }]);
    const eitherOne = { ...RULES, requireOneOf: true };
    expect((await readUpload(request(multipart([file("item_photo")])), eitherOne)).size).toBe(1);
    expect(await errorsFor([], eitherOne)).toHaveLength(2);
  });

  test("a part without file name, type or content is no file", async () => {
    const text = [`Content-Disposition: form-data; name="user_photo"`];
    const typed = [...text, "Content-Type: image/jpeg"];
    const untyped = [`Content-Disposition: form-data; name="user_photo"; filename="x"`];
    for (const headers of [text, typed, untyped]) {
      expect(await errorsFor([{ headers, content: "abc" }])).toEqual([
        { path: "user_photo", message: "must be a file with a content type" },
      ]);
    }
    expect(await errorsFor([file("user_photo", "")])).toEqual([{ path: "user_photo", message: "the file is empty" }]);
  });

  test("a part without a name, or that is no form field, is refused", async () => {
    for (const disposition of [
      "form-data",
      `form-data; filename="user_photo"`,
      `attachment; name="user_photo"; filename="x"`,
    ]) {
      const headers = [`Content-Disposition: ${disposition}`, "Content-Type: image/jpeg"];
      expect(await codeFor([{ headers, content: "abc" }])).toBe("validation_failed");
    }
    expect(await codeFor([{ headers: ["Content-Type: image/jpeg"], content: "abc" }])).toBe("validation_failed");
  });

  test("`__proto__` and `constructor` are unknown fields like any other", async () => {
    for (const name of ["__proto__", "constructor"]) expect(await codeFor([file(name)])).toBe("validation_failed");
  });
});

describe("I5 the memory of an upload", () => {
  const twoFiles = () => [file("user_photo", "a".repeat(8 * KIB)), file("item_photo", "b".repeat(8 * KIB))];
  /** Each with memory of its own, as a server gets them. */
  const pieces = (body: Uint8Array, size: number) => [...cut(body, size)].map((piece) => new Uint8Array(piece));
  const left = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);

  test("is what the files take: the body's pieces are given back as soon as they are in a file", async () => {
    const chunks = pieces(multipart(twoFiles()), KIB);
    let leftAtTheEnd = 0;
    const watched = function* () {
      for (const [at, chunk] of chunks.entries()) {
        if (at === chunks.length - 1) leftAtTheEnd = left(chunks);
        yield chunk;
      }
    };
    const parts = await readUpload(request(source(watched()).body), RULES);
    expect(leftAtTheEnd).toBeLessThanOrEqual(10 * KIB);
    expect(left(chunks)).toBeLessThanOrEqual(KIB);
    expect(Buffer.from(parts.get("user_photo")?.bytes ?? []).toString()).toBe("a".repeat(8 * KIB));
    expect(Buffer.from(parts.get("item_photo")?.bytes ?? []).toString()).toBe("b".repeat(8 * KIB));
  });

  test("is given back at every size of pieces, and the files are whole", async () => {
    const tricky = `\r\n--${BOUNDARY.slice(0, -1)}\r\n--\r\n\r\n-${BOUNDARY}\r\n`;
    const body = multipart([file("user_photo", tricky), file("item_photo", "\r\n")]);
    for (let size = 1; size <= body.length; size += 1) {
      const parts = await readUpload(request(source(pieces(body, size)).body), RULES);
      expect(Buffer.from(parts.get("user_photo")?.bytes ?? []).toString()).toBe(tricky);
      expect(Buffer.from(parts.get("item_photo")?.bytes ?? []).toString()).toBe("\r\n");
    }
  });

  test("is given back by a body that is refused, too", async () => {
    const chunks = pieces(multipart(twoFiles(), ""), KIB);
    await expect(readUpload(request(source(chunks).body), RULES)).rejects.toMatchObject({ code: "malformed_body" });
    expect(left(chunks)).toBe(0);
  });

  test.each(["done", "refused"])("is given back once its files are %s, and not before", async (end) => {
    let seen: readonly UploadedPart[] = [];
    const work = async (parts: ReadonlyMap<string, UploadedPart>) => {
      seen = [...parts.values()];
      await Bun.sleep(5);
      expect(seen.map(({ bytes }) => bytes.byteLength)).toEqual([8 * KIB, 8 * KIB]);
      if (end === "refused") throw new Error("refused");
      return end;
    };
    const answer = withUpload(request(multipart(twoFiles())), RULES, work);
    if (end === "refused") await expect(answer).rejects.toThrow("refused");
    else expect(await answer).toBe(end);
    expect(seen.map(({ bytes }) => bytes.byteLength)).toEqual([0, 0]);
  });
});
