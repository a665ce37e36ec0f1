import { describe, expect, test } from "bun:test";
import { PHOTO_BY_URL_BYTES_MAX, PHOTO_BYTES_MAX } from "../../src/providers/telegram/wire.ts";
import { createTestClock } from "../support/clock.ts";
import { picture } from "../support/pictures.ts";
import { ANNA, formOf, jsonOf, refused, useTelegramLane } from "./telegram-lane.ts";

const lane = useTelegramLane(createTestClock());
const png = await picture({ width: 1_000, height: 500, format: "png" });
const strip = await picture({ width: 2_100, height: 100 });
const last = () => lane().emulator.messages(ANNA).at(-1);

describe("files", () => {
  test("a photo comes in several sizes, the smallest first, and its id sends it again and downloads it", async () => {
    const file = new File([png], "dress.png", { type: "image/png" });
    const { body } = await lane().raw("sendPhoto", formOf({ chat_id: String(ANNA), photo: file, caption: "Вот" }));
    const { photo, caption } = body.result as {
      photo: { file_id: string; width: number; height: number }[];
      caption: string;
    };
    expect(caption).toBe("Вот");
    expect(photo.map(({ width, height }) => [width, height])).toEqual([
      [90, 45],
      [320, 160],
      [800, 400],
      [1_000, 500],
    ]);
    const fileId = photo.at(-1)?.file_id ?? "";
    expect((await lane().raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: fileId }))).status).toBe(200);
    expect(last()?.attachment?.fileId).toBe(fileId);
    expect(await lane().raw("sendDocument", jsonOf({ chat_id: ANNA, document: fileId }))).toMatchObject({
      body: refused(400, "Bad Request: can't use file of type Photo as Document"),
    });
    const found = await lane().raw("getFile", jsonOf({ file_id: fileId }));
    const { file_path, file_size } = found.body.result as { file_path: string; file_size: number };
    expect(file_size).toBe(png.length);
    const download = await fetch(`${lane().emulator.url}/file/bot${lane().emulator.botToken}/${file_path}`);
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(png);
  });

  test("a file may stand in the form under a name of its own", async () => {
    const attached = new File([png], "a.png", { type: "image/png" });
    const fields = { chat_id: String(ANNA), document: "attach://my_file", my_file: attached };
    const { body } = await lane().raw("sendDocument", formOf(fields));
    expect(body.result).toMatchObject({
      document: { file_name: "a.png", mime_type: "image/png", file_size: png.length },
    });
  });

  test("a photo by address is really fetched, within Telegram's limits", async () => {
    const large = new Uint8Array(PHOTO_BY_URL_BYTES_MAX + 1);
    large.set(png);
    const hits: string[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        const { pathname } = new URL(request.url);
        hits.push(pathname);
        const type = pathname === "/page" ? "text/html" : "image/png";
        if (pathname === "/missing") return new Response("no", { status: 404 });
        return new Response(pathname === "/large.png" ? large : png, { headers: { "content-type": type } });
      },
    });
    const send = (path: string) =>
      lane().raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: `http://127.0.0.1:${server.port}${path}` }));
    expect((await send("/dress.png")).status).toBe(200);
    expect(last()?.attachment).toMatchObject({ name: "dress.png", size: png.length, width: 1_000 });
    expect((await send("/page")).body).toMatchObject(refused(400, "Bad Request: wrong type of the web page content"));
    expect((await send("/missing")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect((await send("/large.png")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect(hits).toEqual(["/dress.png", "/page", "/missing", "/large.png"]);
    await server.stop(true);
    expect((await send("/dress.png")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect((await lane().raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: "AgACnobody" }))).body).toMatchObject(
      refused(400, "Bad Request: wrong file identifier/HTTP URL specified"),
    );
  });

  test.each([
    ["empty", new Uint8Array(), "Bad Request: file must be non-empty"],
    [
      "too large",
      new Uint8Array(PHOTO_BYTES_MAX + 1),
      "Bad Request: file of size 10485761 bytes is too big for a photo",
    ],
    ["no picture", new Uint8Array([1, 2, 3]), "Bad Request: IMAGE_PROCESS_FAILED"],
    ["a strip", strip, "Bad Request: PHOTO_INVALID_DIMENSIONS"],
  ])("refuses a photo that is %s", async (_, bytes, description) => {
    const photo = new File([bytes as Uint8Array<ArrayBuffer>], "x.png", { type: "image/png" });
    const { body } = await lane().raw("sendPhoto", formOf({ chat_id: String(ANNA), photo }));
    expect(body.description).toStartWith(description);
  });
});
