/** What a person may order under a key of their own. */
export type OrderKind = "generation" | "payment" | "turn" | "refund";

/** One wish of a person under one key, however often it was sent. */
export interface Order {
  kind: OrderKind;
  key: string;
  /** The ids that answers have named; more than one is a difference. */
  ids: Set<string>;
  /** Refused for good: it must have had no effect. Undefined where nobody ever answered. */
  refused?: number;
}

/** What was acknowledged to one person, kept by themselves. */
export interface Book {
  orders: Order[];
  /** Generations whose deletion was acknowledged. */
  deleted: Set<string>;
  /** Generations whose end was seen, and how they ended. */
  seenEnds: Map<string, string>;
  /** Turns whose answer was seen complete, by the client's own id. */
  answeredTurns: Set<string>;
  /** The promo code was taken: acknowledged, or tried without an answer. */
  promo: "no" | "yes" | "perhaps";
  /** Whoever's link they came by. */
  invitedBy: string | undefined;
  erased: "no" | "yes" | "perhaps";
  /** Events by their number, as they came over sockets. */
  events: Map<number, { type: string; data: string }>;
  /** The number of the last one. */
  lastEvent: number;
}

export function emptyBook(): Book {
  return {
    orders: [],
    deleted: new Set(),
    seenEnds: new Map(),
    answeredTurns: new Set(),
    promo: "no",
    invitedBy: undefined,
    erased: "no",
    events: new Map(),
    lastEvent: 0,
  };
}

/** All ids of a kind that were acknowledged. */
export function acknowledged(book: Book, kind: OrderKind): Set<string> {
  return new Set(book.orders.filter((order) => order.kind === kind).flatMap(({ ids }) => [...ids]));
}

/** How many orders of a kind may have had an effect that nobody could be told of. */
export function unanswered(book: Book, kind: OrderKind): number {
  return book.orders.filter((order) => order.kind === kind && order.ids.size === 0 && order.refused === undefined)
    .length;
}
