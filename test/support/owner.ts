import { beforeAll, expect } from "bun:test";
import { eq } from "drizzle-orm";
import { type RouteAccess, routeAccess } from "../../src/access.ts";
import { files } from "../../src/features/photos/index.ts";
import { type Person, type RequestOptions, type TestApp, useTestApp } from "./app.ts";
import { balance, finish, order, type Photos, uploadPhotos } from "./fitting.ts";

const OWNER_NAME = "Аполлинария";
const OWNER_NOTE = "collar open like a sailor of 1923";

/** Everything of a person that another one must never see or move. */
export interface Owner {
  person: Person;
  photos: Photos;
  finished: string;
  running: string;
  queued: string;
  entries: string[];
  link: string;
}

export type Problem = { code?: string; request_id?: string; errors?: { path: string }[] };

export type Ask = RequestOptions & { path: string };

/** Every route that asks for a person. */
export const PERSON_ROUTES = routeAccess.filter((route) => route.access === "person");

/**
 * The product with a person who has photos, a finished picture, one in work and one in the queue, and with another
 * person who has nothing. For the tests of the file or `describe` in whose body it is called.
 */
export function useOwner() {
  const shared = useTestApp();
  let owner: Owner;
  let other: Person;
  beforeAll(async () => {
    owner = await makeOwner(shared());
    other = await shared().signIn({ firstName: "Boris" });
  });

  /** A body that each route with a body takes, made of what is the owner's. */
  function ownersBody(route: RouteAccess): Pick<RequestOptions, "json"> {
    const photos = { user_photo_id: owner.photos.user_photo.id, item_photo_id: owner.photos.item_photo.id };
    switch (`${route.method} ${route.path}`) {
      case "POST /api/v1/fitting/generate":
        return { json: { ...photos, zone: "top" } };
      case "POST /api/v1/editing/chat":
        return { json: { message: "make it brighter", photo_id: photos.user_photo_id } };
      case "POST /api/v1/editing/generate":
        return { json: { prompt: "make it brighter", generation_id: owner.finished } };
      case "POST /api/v1/promo/redeem":
        return { json: { code: "NOBODYS2026" } };
      case "POST /api/v1/editing/reset":
      case "POST /api/v1/auth/logout":
        return { json: {} };
      default:
        return {};
    }
  }

  /** The route as somebody would call it who knows all of the owner's ids. */
  function asksFor(route: RouteAccess): Ask[] {
    const ids = [owner.finished, owner.running, owner.queued, owner.photos.user_photo.id, owner.person.id];
    const paths = route.path.includes("/:id") ? ids.map((id) => route.path.replace(":id", id)) : [route.path];
    const upload = route.path.endsWith("/upload") ? { body: new FormData() } : {};
    return paths.map((path) => ({ path, method: route.method, ...ownersBody(route), ...upload }));
  }

  async function ask(asked: Ask): Promise<{ status: number; text: string; problem: Problem }> {
    const response = await shared().request(asked.path, asked);
    const text = await response.text();
    await expectNothingOfOwner(text);
    return { status: response.status, text, problem: text.startsWith("{") ? (JSON.parse(text) as Problem) : {} };
  }

  /** Ids, names and words of the owner must stand in no answer to anybody else. */
  async function expectNothingOfOwner(text: string): Promise<void> {
    const rows = await shared().ctx.db.select().from(files).where(eq(files.userId, owner.person.id));
    const traces = [
      owner.person.id,
      String(owner.person.telegramId),
      owner.person.token,
      OWNER_NAME,
      OWNER_NOTE,
      owner.finished,
      owner.running,
      owner.queued,
      ...owner.entries,
      ...rows.flatMap((row) => [row.id, row.storageKey]),
    ];
    for (const trace of traces) expect(text).not.toContain(trace);
  }

  /** What the owner sees of their own things, to be compared before and after. Links and progress change by themselves. */
  async function ownersView(): Promise<unknown> {
    const { request } = shared();
    const as = owner.person;
    const list = (await (await request("/generations", { as })).json()) as { items: { id: string; status: string }[] };
    const entries = await (await request("/balance/entries", { as })).json();
    const states = list.items.map(({ id, status }) => ({ id, status }));
    return {
      states,
      entries,
      balance: await balance(shared(), as),
      profile: await (await request("/profile", { as })).json(),
    };
  }

  return { shared, owner: () => owner, other: () => other, asksFor, ask, expectNothingOfOwner, ownersView };
}

async function makeOwner(app: TestApp): Promise<Owner> {
  const person = await app.signIn({ firstName: OWNER_NAME, telegramId: 7_311_311_311 });
  const photos = await uploadPhotos(app, person);
  const made = await finish(app, person, await accepted(order(app, person, photos, { note: OWNER_NOTE })));
  expect(made).toMatchObject({ status: "succeeded", watermarked: true });
  app.kie.faults.set("kie.outcome", { mode: "never", times: 1 });
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
