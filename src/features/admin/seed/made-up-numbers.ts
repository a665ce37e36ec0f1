/** Numbers from 0 up to 1 that are the same for the same seed (the mulberry32 generator). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Ids as UUIDv7 has them (RFC 9562), of moments in the past: time first, then a count that never repeats. */
export function idMaker(random: () => number): (moment: Date) => string {
  let made = Math.floor(random() * 2 ** 20);
  return (moment) => {
    made += 1;
    const time = Math.floor(moment.getTime()).toString(16).padStart(12, "0");
    const count = made.toString(16).padStart(12, "0");
    const noise = Math.floor(random() * 4_096)
      .toString(16)
      .padStart(3, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${noise}-8${noise}-${count}`;
  };
}
