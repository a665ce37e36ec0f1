/** Longer names are found by their beginning. */
const KEY_BYTES_MAX = 48;

/**
 * The text under which a name is found by its beginning: lower case, as hexadecimal digits of its UTF-8 bytes. Digits and the
 * letters a to f stand in the same order in every collation, so that one range of an index serves both databases
 * whatever their locale, and Cyrillic is lower-cased although SQLite cannot.
 */
export function keyOf(name: string): string {
  const plain = name.normalize("NFKC").toLowerCase().replaceAll("ё", "е").replaceAll(/\s+/g, " ").trim();
  return Buffer.from(plain, "utf8").subarray(0, KEY_BYTES_MAX).toString("hex");
}

/** The keys of all names that begin so: from the first (included) to the last (not included). */
export function keyRange(prefix: string): { from: string; to: string } {
  const from = keyOf(prefix);
  // Behind every digit that can follow.
  return { from, to: `${from}g` };
}

/** Both keys of a person. */
export function searchKeys(person: {
  firstName: string;
  lastName?: string | null | undefined;
  username?: string | null | undefined;
}): { nameKey: string | null; usernameKey: string | null } {
  const name = keyOf([person.firstName, person.lastName ?? ""].join(" "));
  const username = keyOf(person.username ?? "");
  return { nameKey: name === "" ? null : name, usernameKey: username === "" ? null : username };
}
