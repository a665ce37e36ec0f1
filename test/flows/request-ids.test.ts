import { describe, expect, test } from "bun:test";
import { jobs } from "../../src/platform/queue/tables.ts";
import { useTestApp } from "../support/app.ts";
import { look, uploadPhotos } from "../support/fitting.ts";
import { until } from "../support/until.ts";

const app = useTestApp({ settings: { KIE_INPUTS: "upload" } });

describe("a request's id", () => {
  test("stands on every line that one whole fitting leaves in the log, and in its jobs", async () => {
    const person = await app().signIn();
    const photos = await uploadPhotos(app(), person);
    app().logLines.length = 0;
    const requestId = "one-whole-fitting-0001";
    const response = await app().request("/fitting/generate", {
      method: "POST",
      as: person,
      json: { user_photo_id: photos.user_photo.id, item_photo_id: photos.item_photo.id, zone: "top" },
      headers: { "x-request-id": requestId },
    });
    expect(response.status).toBe(202);
    expect(response.headers.get("x-request-id")).toBe(requestId);
    const { id } = (await response.json()) as { id: string };
    const waiting = await app().ctx.db.select({ requestId: jobs.requestId }).from(jobs);
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.every((job) => job.requestId === requestId)).toBeTrue();

    // To the very end of the queue: messages and rewards belong to it too.
    await app().work();
    expect((await look(app(), person, id)).status).toBe("succeeded");

    const lines = app().logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const calls = lines.filter((line) => line.message === "provider call").map((line) => line.provider);
    expect(new Set(calls)).toEqual(new Set(["kie.ai", "telegram"]));
    expect(lines.filter((line) => line.request_id !== requestId)).toEqual([]);
  });

  test("X12 stands in the answer's head, in its problem and in the log of what went wrong", async () => {
    app().logLines.length = 0;
    const whole = app().ctx.images;
    Object.assign(app().ctx, { images: { ...whole, acceptPhoto: () => Promise.reject(new Error("broken")) } });
    const person = await app().signIn();
    const answer = await uploadPhotos(app(), person).catch((error: Error) => error.message);
    Object.assign(app().ctx, { images: whole });
    const { request_id } = JSON.parse(String(answer).replace(/^[^{]*/, "")) as { request_id: string };
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/);
    await until(() => app().logLines.some((line) => line.includes("a bug answered with 500")), "the line of the bug");
    const bug = app().logLines.find((line) => line.includes("a bug answered with 500")) ?? "{}";
    expect(JSON.parse(bug)).toMatchObject({ request_id });
  });

  test("is never that of another beside it", async () => {
    const person = await app().signIn();
    const ids = Array.from({ length: 20 }, (_, index) => `side-by-side-${String(index).padStart(4, "0")}`);
    const answers = await Promise.all(
      ids.map(async (id) => {
        const response = await app().request("/nothing-here", { as: person, headers: { "x-request-id": id } });
        const problem = (await response.json()) as { request_id: string };
        return [response.headers.get("x-request-id"), problem.request_id];
      }),
    );
    expect(answers).toEqual(ids.map((id) => [id, id]));
  });
});
