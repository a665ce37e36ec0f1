import { describe, expect, test } from "bun:test";
import { sign } from "@telegram-apps/init-data-node";
import { INIT_DATA_TWISTS, signInitData } from "../../../src/sandbox/init-data.ts";
import {
  ANNA,
  AUTH_DATE,
  check,
  MINIMAL,
  OPENED_AT,
  oracleAccepts,
  signedByOracle,
  TOKEN_A,
  TOKEN_B,
  verdict,
} from "./launch-data.ts";

describe("T3 corpus against @telegram-apps/init-data-node", () => {
  const CASES_EACH = 200;

  test("T3 everything the sandbox signs passes the other implementation and ours alike", () => {
    const random = seeded(20260901);
    for (let index = 0; index < CASES_EACH; index += 1) {
      const fields = randomFields(random);
      const { user, auth_date, start_param, signature, ...extra } = Object.fromEntries(fields);
      const twist = random() < 0.5 ? undefined : pick(random, INIT_DATA_TWISTS);
      const plain = { botToken: TOKEN_A, user: JSON.parse(user ?? ""), authDate: OPENED_AT, extra };
      const initData = signInitData(twist === undefined ? plain : { ...plain, twist });
      // The other implementation knows no age here, and takes data without a person.
      const outOfItsScope = twist === "expired" || twist === "future" || twist === "no_user";
      expect(oracleAccepts(initData, TOKEN_A)).toBe(outOfItsScope || verdict(initData, TOKEN_A) === "accepted");
    }
  });

  test("T3 everything the other implementation signs, blank `signature` included, passes ours", () => {
    const random = seeded(7342037359);
    for (let index = 0; index < CASES_EACH; index += 1) {
      const user = randomUser(random);
      const query_id = randomText(random).replaceAll("\n", "");
      const initData = sign({ user, query_id, start_param: "ref_x", chat_type: "private" }, TOKEN_A, OPENED_AT);
      expect(initData).toContain("signature=");
      const launch = check(initData, TOKEN_A);
      expect(launch.user.id).toBe(user.id);
      expect(launch.user.firstName).toBe(user.first_name);
      expect(launch.startParam).toBe("ref_x");
      expect(verdict(initData, TOKEN_B)).toBe("init_data_invalid");
    }
  });

  test("T3 any order, any encoding, any damage: both say the same", () => {
    const random = seeded(1733509682);
    const counts = { accepted: 0, refused: 0 };
    for (let index = 0; index < 3 * CASES_EACH; index += 1) {
      const fields = shuffled(random, randomFields(random));
      const signed = signedByOracle(fields, TOKEN_A, pick(random, ENCODINGS));
      const initData = pick(random, DAMAGES)(signed, random);
      const ours = verdict(initData, TOKEN_A) === "accepted";
      expect({ initData, accepted: ours }).toEqual({ initData, accepted: oracleAccepts(initData, TOKEN_A) });
      counts[ours ? "accepted" : "refused"] += 1;
    }
    // The corpus is worth something only if it has plenty of both.
    expect(counts.accepted).toBeGreaterThan(CASES_EACH);
    expect(counts.refused).toBeGreaterThan(CASES_EACH);
  });

  const chat: [string, string][] = [...MINIMAL, ["chat_instance", "1"], ["chat_type", "private"]];
  const long: [string, string][] = [...MINIMAL, ["padding", "x".repeat(5_000)]];
  /** Genuinely signed for the other implementation, refused by ours on purpose. */
  const documented: Record<string, string> = {
    "a repeated name signed twice over (libraries differ on which value counts)": signedByOracle(
      [...MINIMAL, ["user", JSON.stringify({ id: 1, first_name: "Other" })]],
      TOKEN_A,
    ),
    "no user (nobody to sign in)": signedByOracle(
      [
        ["auth_date", AUTH_DATE],
        ["chat_type", "group"],
      ],
      TOKEN_A,
    ),
    "text behind the seconds of auth_date": signedByOracle(
      [...MINIMAL.slice(0, 1), ["auth_date", `${AUTH_DATE}abc`]],
      TOKEN_A,
    ),
    "a percent sign without two digits behind it": signedByOracle([...MINIMAL, ["note", "%zz"]], TOKEN_A).replace(
      "%25zz",
      "%zz",
    ),
    "bytes that are no UTF-8": signedByOracle([...MINIMAL, ["note", "\ufffd"]], TOKEN_A).replace("%EF%BF%BD", "%FF"),
    "a question mark in front": `?${signedByOracle(MINIMAL, TOKEN_A)}`,
    "an empty pair": `${signedByOracle(MINIMAL, TOKEN_A)}&`,
    "an empty name": signedByOracle([...MINIMAL, ["", "x"]], TOKEN_A),
    "text that is not percent-encoded": signedByOracle(MINIMAL, TOKEN_A, (text) => text),
    "more than 4 KiB": signedByOracle(long, TOKEN_A),
    "two fields cut into one with an encoded line feed": signedByOracle(chat, TOKEN_A).replace(
      "&chat_instance=1&chat_type=private",
      "&chat_instance=1%0Achat_type%3Dprivate",
    ),
    "a name cut anew at an encoded equals sign": signedByOracle([...MINIMAL, ["a", "b=c"]], TOKEN_A).replace(
      "a=b%3Dc",
      "a%3Db=c",
    ),
    "a name with a digit, sorted by whole lines instead of by name": signedByOracle(
      [...MINIMAL, ["user2", "x"]],
      TOKEN_A,
    ),
  };
  for (const [what, initData] of Object.entries(documented)) {
    test(`T3 documented disagreement: the other implementation takes ${what}`, () => {
      expect(oracleAccepts(initData, TOKEN_A)).toBe(true);
      expect(verdict(initData, TOKEN_A)).toBe("init_data_invalid");
    });
  }

  test("T3 documented disagreement: we sort by name, so `user2` stands behind `user`", () => {
    const initData = signInitData({ botToken: TOKEN_A, user: ANNA, authDate: OPENED_AT, extra: { user2: "x" } });
    expect(verdict(initData, TOKEN_A)).toBe("accepted");
    expect(oracleAccepts(initData, TOKEN_A)).toBe(false);
  });
});

type Random = () => number;

/** mulberry32: small, and the same numbers on every machine. */
function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}

const FRAGMENTS = [
  "Анна",
  "O'Neil",
  '"quoted"',
  "100%",
  "a+b",
  "%41%2B",
  "%2525",
  "&hash=0",
  "=",
  "\\/",
  "\\u0041",
  "<b>x</b>",
  "👨‍👩‍👧",
  "😀",
  "é",
  "e\u0301",
  "日本",
  " ",
  "~!*()'",
  "#?/;:@",
  "",
];

function randomText(random: Random): string {
  return Array.from({ length: Math.floor(random() * 4) }, () => pick(random, FRAGMENTS)).join("");
}

function randomUser(random: Random) {
  return {
    id: 1 + Math.floor(random() * (2 ** 52 - 1)),
    first_name: randomText(random),
    ...(random() < 0.5 ? { last_name: randomText(random) } : {}),
    ...(random() < 0.5 ? { username: "some_name" } : {}),
    ...(random() < 0.5 ? { is_premium: true } : {}),
  };
}

function randomFields(random: Random): [string, string][] {
  const fields: [string, string][] = [
    ["user", JSON.stringify(randomUser(random)).replaceAll("/", random() < 0.5 ? "\\/" : "/")],
    ["auth_date", AUTH_DATE],
  ];
  const optional = [
    "query_id",
    "chat_instance",
    "chat_type",
    "can_send_after",
    "unknown_field",
    "Zeta",
    "userx",
    "usage",
  ];
  for (const name of optional) if (random() < 0.3) fields.push([name, randomText(random)]);
  if (random() < 0.7) fields.push(["signature", random() < 0.3 ? "" : "zL-ucjNyREiHDE8aihFwpfR9aggP2xiAo3NSpfe-p7I"]);
  return fields;
}

const everyByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

const ENCODINGS: ((text: string) => string)[] = [
  encodeURIComponent,
  (text) => new URLSearchParams({ x: text }).toString().slice(2),
  (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  everyByte,
];

const keep = (initData: string): string => initData;
const DAMAGES: ((initData: string, random: Random) => string)[] = [
  keep,
  keep,
  keep,
  keep,
  (initData) => initData.replace(/(&|^)signature=[^&]*/, ""),
  (initData) => initData.replace(/(&|^)auth_date=[^&]*/, ""),
  (initData) => initData.replace(/hash=[^&]*/, "hash="),
  (initData) => initData.replace(/[^=]*$/, (hash) => hash.toUpperCase()),
  (initData) => `${initData}&user=%7B%22id%22%3A1%2C%22first_name%22%3A%22x%22%7D`,
  (initData) => `${initData}&brand_new=1`,
  (initData) => initData.replaceAll("%", "%25"),
  (initData) => initData.replaceAll(/%25(?=[0-9A-F]{2})/g, "%"),
  (initData) => initData.replaceAll("%20", "+").replaceAll("+", "%2B"),
  (initData, random) => {
    const index = Math.floor(random() * initData.length);
    return initData.slice(0, index) + pick(random, [..."aA0_-."]) + initData.slice(index + 1);
  },
];
