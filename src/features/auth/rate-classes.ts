/**
 * What requests cost and how much there is to spend. Every request takes its class's tokens from one bucket: that of its
 * person where somebody is signed in, otherwise that of its network and class.
 */

/** Tokens that a request takes, by what it costs the server. */
export const REQUEST_COST = { read: 1, write: 5, upload: 10, sign_in: 20, guess: 20, generate: 50 } as const;
export type RequestClass = keyof typeof REQUEST_COST;

/** A bucket with the name by which clients are told of it. */
export interface NamedBucket {
  name: string;
  /** Tokens in a full bucket. */
  capacity: number;
  refillPerSecond: number;
}

/** A person may do this much in one burst and then per second; 40 pictures at once, then one a second. */
export const PERSON_BUCKET: NamedBucket = { name: "person", capacity: 2_000, refillPerSecond: 50 };

/**
 * Many people share the address of a mobile network, so it may do more. A bucket for each class, so that a flood of one
 * kind does not keep the same network from the others: pictures keep loading while somebody tries to sign in for ever.
 * Requests with a token that opens nothing are such a class, too: each costs a signature to check.
 */
export const ADDRESS_BUCKET: NamedBucket = { name: "address", capacity: 4_000, refillPerSecond: 100 };

/** Hints from those who prove nothing. Providers prove themselves and are not counted. */
export const HINT_BUCKET: NamedBucket = { name: "hint", capacity: 60, refillPerSecond: 1 };

/** A person may try this many times what might be guessed, such as a promo code, and then once in six minutes. */
export const GUESS_BUCKET: NamedBucket = { name: "guess", capacity: 10, refillPerSecond: 1 / 360 };
