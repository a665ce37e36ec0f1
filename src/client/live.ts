import type { GenerationView } from "../features/generations/index.ts";
import type { LiveEventType } from "../platform/live/events.ts";
import type { PanelHint } from "../platform/live/panel-hints.ts";

/** What each live event carries. The rows hold the truth: an event says what to look at again. */
export interface LiveEventData extends Record<LiveEventType, object> {
  "generation.queued": Pick<GenerationView, "id" | "type" | "status">;
  "generation.started": Pick<GenerationView, "id" | "status">;
  "generation.progress": Pick<GenerationView, "id" | "status" | "progress">;
  "generation.succeeded": EndedGeneration;
  "generation.failed": EndedGeneration;
  "generation.cancelled": EndedGeneration;
  "balance.changed": { credits: number; reserved: number; reason: string; action: string };
}

type EndedGeneration = Pick<GenerationView, "id" | "type" | "status" | "progress"> & {
  error?: { code: string; charged: false };
};

/** The first frame of a socket. */
export interface LiveHello {
  type: "hello";
  last_event: number;
  active: GenerationView[];
}

/** An event of the socket or of `live.events`; `n` goes into `since` after a break. */
export type LiveEvent = {
  [Type in LiveEventType]: { n: number; type: Type; at: string; data: LiveEventData[Type] };
}[LiveEventType];

/** Operators get hints for the owner's panel between the events; everybody else never does. */
export type LiveFrame = LiveHello | LiveEvent | PanelHint;

/** The address of the socket for a fresh ticket of `live.ticket.post()`; after a break with the last event's number. */
export function liveAddress(baseUrl: string, ticket: string, since?: number): string {
  const address = new URL("/api/v1/live", baseUrl);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("ticket", ticket);
  if (since !== undefined) address.searchParams.set("since", String(since));
  return address.href;
}

/** A frame of the socket. */
export function readLiveFrame(text: string): LiveFrame {
  return JSON.parse(text) as LiveFrame;
}
