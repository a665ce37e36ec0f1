import { Elysia, t } from "elysia";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { stepAside } from "../../platform/http/in-hand.ts";
import { originRule } from "../../platform/http/origins.ts";
import { closed, NoQuerySchema, oneOf, refuses } from "../../platform/http/schemas.ts";
import { LIVE_EVENT_TYPES, lastEventNumber } from "../../platform/live/events.ts";
import type { LiveHub } from "../../platform/live/hub.ts";
import { createPolls } from "../../platform/live/polls.ts";
import type { SignOuts } from "../../platform/live/sign-outs.ts";
import type { LiveSockets } from "../../platform/live/socket.ts";
import { issueTicket, TICKET_SECONDS } from "../../platform/live/tickets.ts";
import type { guard } from "../auth/guard.ts";
import { CLOSE_TICKET_INVALID, holderOfTicket, roleOf } from "../auth/index.ts";
import { activeGenerations, viewGenerations } from "../generations/index.ts";

const WAIT_SECONDS_MAX = 50;
const Sequence = t.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const EventSchema = t.Object(
  {
    n: Sequence,
    type: oneOf(LIVE_EVENT_TYPES, { examples: ["generation.progress"] }),
    at: t.String({ format: "date-time" }),
    data: t.Record(t.String(), t.Unknown(), {
      description: "What changed; the rows hold the truth.",
      examples: [{ id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", status: "running", progress: 40 }],
    }),
  },
  { ...closed, title: "LiveEvent" },
);

/** Live events: a socket opened by a one-use ticket, and its twin for clients without sockets. */
export function liveRoutes(
  guarded: ReturnType<typeof guard>,
  root: Context,
  { hub, sockets, signOuts }: { hub: LiveHub; sockets: LiveSockets; signOuts: SignOuts },
) {
  const mayConnect = originRule(root.settings);
  const polls = createPolls();
  return new Elysia({ prefix: "/live", tags: ["live"] })
    .use(guarded)
    .post(
      "/ticket",
      async ({ person, sessionId, ctx }) => ({
        ticket: await issueTicket(ctx, { userId: person.id, sessionId }),
        expires_in: TICKET_SECONDS,
      }),
      {
        signedIn: "write",
        query: NoQuerySchema,
        response: {
          200: t.Object(
            {
              ticket: t.String({ examples: ["b25lLXVzZS10aWNrZXQtb2YtdGhlLWRvY3M"] }),
              expires_in: t.Integer({ description: "Seconds.", examples: [TICKET_SECONDS] }),
            },
            closed,
          ),
        },
        detail: { summary: "A one-use ticket for the socket", description: "So that no token stands in an address." },
      },
    )
    .get(
      "/events",
      async ({ query, person, ctx, request }) => {
        const since = startingPoint(query.since, await lastEventNumber(ctx, person.id));
        stepAside(request);
        const events = await polls.hold(person.id, (ended) =>
          hub.wait(person.id, since, (query.wait ?? 0) * 1000, AbortSignal.any([request.signal, ended])),
        );
        return { events, last_event: events.at(-1)?.n ?? since };
      },
      {
        signedIn: "read",
        query: t.Object(
          {
            since: t.Optional(Sequence),
            wait: t.Optional(t.Integer({ minimum: 0, maximum: WAIT_SECONDS_MAX, description: "Seconds." })),
          },
          closed,
        ),
        response: { 200: t.Object({ events: t.Array(EventSchema), last_event: Sequence }, closed) },
        detail: { summary: "Events after a number, as a long poll" },
      },
    )
    .ws("/", {
      query: t.Object(
        {
          ticket: t.String({ maxLength: 128 }),
          since: t.Optional(Sequence),
          panel: t.Optional(
            t.Literal("true", {
              description: "A page of the owner's panel: whoever has only that open still gets pictures from the bot.",
            }),
          ),
        },
        closed,
      ),
      detail: {
        summary: "Events over a WebSocket",
        description:
          "The first frame is `hello` with the last event's number and what is in work; then each event after `since`, once and in order. A slow reader is closed with 1013 and comes back with `since`. An operator's socket also gets frames `panel` without a number, which name what pages of the owner's panel should read again.",
        security: [{ liveTicket: [] }],
        ...refuses("forbidden"),
      },
      beforeHandle({ request }) {
        if (!mayConnect(request.headers.get("origin"))) throw new Refusal("forbidden");
      },
      async open(ws) {
        const { ticket, since, panel } = ws.data.query;
        const holder = await holderOfTicket(root, ticket ?? "");
        if (!holder) {
          ws.close(CLOSE_TICKET_INVALID, "the ticket is not valid");
          return;
        }
        const { person, stillAllowed, isOperator } = holder;
        signOuts.watch(ws.raw, { userId: person.id, stillAllowed });
        // The number is read before what is in work: an event in between comes twice to the eye, never not at all.
        const last = await lastEventNumber(root, person.id);
        const active = await viewGenerations(root, await activeGenerations(root, person.id), person.language);
        sockets.start(ws.raw, {
          userId: person.id,
          since: startingPoint(since, last),
          hello: { type: "hello", last_event: last, active },
          stillAllowed,
          isOperator: (await roleOf(root, person)) === null ? null : isOperator,
          isPanel: panel === "true",
        });
      },
      message(ws) {
        // Clients have nothing to say here; one that talks on and on is cut off.
        sockets.heard(ws.raw);
      },
      close(ws) {
        signOuts.forget(ws.raw);
        sockets.ended(ws.raw);
      },
    });
}

/** After which event to begin. A number that was never given out (the database was restored) would wait for ever. */
function startingPoint(since: number | undefined, last: number): number {
  return since === undefined ? last : Math.min(Number(since), last);
}
