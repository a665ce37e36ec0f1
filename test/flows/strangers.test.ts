import { beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { eq } from "drizzle-orm";
import { type RouteAccess, routeAccess } from "../../src/access.ts";
import { files } from "../../src/features/photos/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { type Person, type RequestOptions, type TestApp, useTestApp } from "../support/app.ts";
import { balance, finish, order, ordered, type Photos, uploadPhotos } from "../support/fitting.ts";
import { picture, uploadForm } from "../support/pictures.ts";

const OWNER_NAME = "Аполлинария";
const OWNER_NOTE = "collar open like a sailor of 1923";

/** Everything of a person that another one must never see or move. */
interface Owner {
  person: Person;
  photos: Photos;
  finished: string;
  running: string;
  queued: string;
  entries: string[];
  link: string;
}

type Problem = { code?: string; request_id?: string; errors?: { path: string }[] };

const shared = useTestApp();
let owner: Owner;
let other: Person;

beforeAll(async () => {
  const app = shared();
  owner = await makeOwner(app);
  other = await app.signIn({ firstName: "Boris" });
});

async function makeOwner(app: TestApp): Promise<Owner> {
  const person = await app.signIn({ firstName: OWNER_NAME, telegramId: 7_311_311_311 });
  const photos = await uploadPhotos(app, person);
  const made = await finish(app, person, await accepted(order(app, person, photos, { note: OWNER_NOTE })));
  expect(made).toMatchObject({ status: "succeeded", watermarked: true });
  await app.kie.faults.set({ "kie.outcome": { mode: "never", times: 1 } });
  const running = await accepted(order(app, person, photos, { note: OWNER_NOTE }));
  await app.work(async () => (await statusOf(app, person, running)) === "running");
  const queued = await accepted(order(app, person, photos, { note: OWNER_NOTE }));
  const entries = (await (await app.request("/balance/entries", { as: person })).json()) as { items: { id: string }[] };
  return {
    person,
    photos,
    finished: made.id,
    running,
    queued,
    entries: entries.items.map((entry) => entry.id),
    link: new URL(made.image_url ?? "").pathname,
  };
}

async function accepted(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

async function statusOf(app: TestApp, person: Person, id: string): Promise<string> {
  return ((await (await app.request(`/generations/${id}`, { as: person })).json()) as { status: string }).status;
}
