import { bigInteger, id, index, json, moment, primaryKey, table, text } from "../db/columns.ts";

/** The number of each person's last event. */
export const liveSequences = table("live_sequences", {
  userId: id("user_id").primaryKey(),
  lastNumber: bigInteger("last_number").notNull(),
});

/** Events of the last hour. The rows of the product are the truth, an event is a hint with a number. */
export const liveEvents = table(
  "live_events",
  {
    userId: id("user_id").notNull(),
    number: bigInteger("number").notNull(),
    type: text("type").notNull(),
    data: json<Record<string, unknown>>("data").notNull(),
    at: moment("at").notNull(),
  },
  (event) => [primaryKey({ columns: [event.userId, event.number] }), index("live_events_age").on(event.at)],
);

/** Processes that serve live sockets, each with one heartbeat. */
export const liveHosts = table("live_hosts", {
  id: id("id").primaryKey(),
  heartbeatAt: moment("heartbeat_at").notNull(),
});

/** Open live sockets. They count while their host's heart beats. */
export const liveConnections = table(
  "live_connections",
  {
    id: id("id").primaryKey(),
    hostId: id("host_id").notNull(),
    userId: id("user_id").notNull(),
  },
  (connection) => [
    index("live_connections_user").on(connection.userId),
    index("live_connections_host").on(connection.hostId),
  ],
);

/** One-use tickets for the socket, by hash, so that no access token stands in an address. */
export const liveTickets = table(
  "live_tickets",
  {
    hash: text("hash").primaryKey(),
    userId: id("user_id").notNull(),
    sessionId: id("session_id").notNull(),
    expiresAt: moment("expires_at").notNull(),
  },
  (ticket) => [index("live_tickets_age").on(ticket.expiresAt)],
);
