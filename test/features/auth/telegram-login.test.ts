import { describe, expect, test } from "bun:test";
import { checkInitData, type TelegramLaunch } from "../../../src/features/auth/telegram-login.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { Refusal } from "../../../src/platform/errors.ts";
import { INIT_DATA_TWISTS, type InitDataTwist } from "../../../src/sandbox/init-data.ts";
import {
  AGE_HOURS_MAX,
  ANNA,
  AUTH_DATE,
  at,
  check,
  MINIMAL,
  mint,
  OPENED_AT,
  signedByOracle,
  TOKEN_A,
  TOKEN_B,
  TOKEN_C,
  TOKEN_D,
  verdict,
} from "./launch-data.ts";

const VECTOR_A =
  "query_id=AAHdF6IQAAAAAN0XohDhrOrc&user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%22%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%7D&auth_date=1662771648&hash=c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2";
const SIGNATURE_B = "TYJxVcisqbWjtodPepiJ6ghziUL94-KNpG8Pau-X7oNNLNBM72APCpi_RKiUlBvcqo5L-LAxIc3dnTzcZX_PDg";
const HASH_B = "a433d8f9847bd6addcc563bff7cc82c89e97ea0d90c11fe5729cae6796a36d73";
const VECTOR_B = `user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%20%2B%20-%20%3F%20%5C%2F%22%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%2C%22allows_write_to_pm%22%3Atrue%2C%22photo_url%22%3A%22https%3A%5C%2F%5C%2Ft.me%5C%2Fi%5C%2Fuserpic%5C%2F320%5C%2F4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg%22%7D&chat_instance=8134722200314281151&chat_type=private&auth_date=1733509682&signature=${SIGNATURE_B}&hash=${HASH_B}`;
const VECTOR_C = VECTOR_B.replace("1733509682", "1733584787")
  .replace(SIGNATURE_B, "zL-ucjNyREiHDE8aihFwpfR9aggP2xiAo3NSpfe-p7IbCisNlDKlo7Kb6G4D0Ao2mBrSgEk4maLSdv6MLIlADQ")
  .replace(HASH_B, "2174df5b000556d044f3f020384e879c8efcab55ddea2ced4eb752e93e7080d6");
const VECTOR_D =
  "auth_date=1650385342&user=%7B%22id%22%3A42%2C%22first_name%22%3A%22Test%22%7D&query_id=test&hash=46d2ea5e32911ec8d30999b56247654460c0d20949b6277af519e76271182803";

describe("T3 published vectors", () => {
  test("T3 vector A, from before `signature` existed, is accepted", () => {
    expect(check(VECTOR_A, TOKEN_A, at(1662771700))).toEqual({
      user: {
        id: 279058397,
        firstName: "Vladislav",
        lastName: "Kibenko",
        username: "vdkfrost",
        languageCode: "ru",
        isPremium: true,
      },
      authDate: at(1662771648),
      hash: "c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2",
    });
  });

  test("T3 vector B, with `signature` in the HMAC and escaped slashes, is accepted", () => {
    const { user } = check(VECTOR_B, TOKEN_B, at(1733509700));
    expect(user.firstName).toBe("Vladislav + - ? /");
    expect(user.allowsWriteToPm).toBe(true);
    expect(user.photoUrl).toBe("https://t.me/i/userpic/320/4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg");
  });

  test("T3 vector C, after the bot's token was exchanged, is accepted", () => {
    expect(check(VECTOR_C, TOKEN_C, at(1733584800)).user.id).toBe(279058397);
  });

  test("T3 vector D is accepted", () => {
    expect(check(VECTOR_D, TOKEN_D, at(1650385400)).user).toEqual({ id: 42, firstName: "Test" });
  });

  test("T3 A with one letter changed is refused", () => {
    expect(verdict(VECTOR_A.replace("Vladislav", "Vladislaw"), TOKEN_A, at(1662771700))).toBe("init_data_invalid");
  });

  test("T3 B without `signature` is refused", () => {
    expect(verdict(VECTOR_B.replace(`&signature=${SIGNATURE_B}`, ""), TOKEN_B, at(1733509700))).toBe(
      "init_data_invalid",
    );
  });

  test("T3 B checked with C's token is refused, and accepted while both tokens are configured", () => {
    expect(verdict(VECTOR_B, TOKEN_C, at(1733509700))).toBe("init_data_invalid");
    expect(verdict(VECTOR_B, [TOKEN_C, TOKEN_B], at(1733509700))).toBe("accepted");
    expect(verdict(VECTOR_B, [TOKEN_B, TOKEN_C], at(1733509700))).toBe("accepted");
    expect(verdict(VECTOR_B, [], at(1733509700))).toBe("init_data_invalid");
  });

  test("T3 D with its hash in upper case is refused", () => {
    const [fields = "", hash = ""] = VECTOR_D.split("&hash=");
    expect(verdict(`${fields}&hash=${hash.toUpperCase()}`, TOKEN_D, at(1650385400))).toBe("init_data_invalid");
  });

  test("T3 A with a second `user` appended is refused", () => {
    expect(verdict(`${VECTOR_A}&user=%7B%22id%22%3A1%7D`, TOKEN_A, at(1662771700))).toBe("init_data_invalid");
  });
});

describe("T1 age of launch data", () => {
  const opened = OPENED_AT.getTime();

  test("T1 genuine data past its age gets the code that says reopen", () => {
    expect(verdict(mint(), TOKEN_A, new Date(opened + AGE_HOURS_MAX * HOUR_MS))).toBe("accepted");
    expect(verdict(mint(), TOKEN_A, new Date(opened + AGE_HOURS_MAX * HOUR_MS + SECOND_MS))).toBe("init_data_expired");
  });

  test("T1 forged data past its age is invalid, not expired", () => {
    const forged = mint("wrong_token");
    expect(verdict(forged, TOKEN_A, new Date(opened + 2 * DAY_MS))).toBe("init_data_invalid");
  });

  test("a clock 60 seconds ahead is tolerated, 61 are not, and the tolerance can be changed", () => {
    expect(verdict(mint(), TOKEN_A, new Date(opened - 60 * SECOND_MS))).toBe("accepted");
    const now = new Date(opened - 61 * SECOND_MS);
    expect(verdict(mint(), TOKEN_A, now)).toBe("init_data_invalid");
    const options = { botTokens: [TOKEN_A], now, ageHoursMax: AGE_HOURS_MAX, futureSecondsMax: 61 };
    expect(checkInitData(mint(), options).user.id).toBe(ANNA.id);
  });
});

describe("what the sandbox mints", () => {
  test("plain launch data carries the person and the start parameter", () => {
    const launch = check(mint(), TOKEN_A);
    expect(launch.user).toEqual({ id: ANNA.id, firstName: "Анна" });
    expect(launch.startParam).toBe("ref_abc");
    expect(launch.authDate).toEqual(OPENED_AT);
  });

  const expected: Record<InitDataTwist, string> = {
    expired: "init_data_expired",
    future: "init_data_invalid",
    no_user: "init_data_invalid",
    unknown_field: "accepted",
    duplicated_key: "init_data_invalid",
    wrong_token: "init_data_invalid",
    signature_excluded: "init_data_invalid",
  };
  for (const twist of INIT_DATA_TWISTS) {
    test(`launch data with the twist ${twist}: ${expected[twist]}`, () => {
      expect(verdict(mint(twist), TOKEN_A)).toBe(expected[twist]);
    });
  }
});

describe("the person", () => {
  const accepted = (user: unknown): TelegramLaunch["user"] =>
    check(
      signedByOracle(
        [
          ["user", JSON.stringify(user)],
          ["auth_date", AUTH_DATE],
        ],
        TOKEN_A,
      ),
      TOKEN_A,
    ).user;
  const verdictOn = (user: string): string =>
    verdict(
      signedByOracle(
        [
          ["user", user],
          ["auth_date", AUTH_DATE],
        ],
        TOKEN_A,
      ),
      TOKEN_A,
    );

  test("ids from 1 to 2^52 are taken, others refused", () => {
    for (const id of [1, 2 ** 52]) expect(accepted({ id, first_name: "A" }).id).toBe(id);
    for (const id of [0, -1, 1.5, 2 ** 52 + 1, "1", null, true]) {
      expect(verdictOn(JSON.stringify({ id, first_name: "A" }))).toBe("init_data_invalid");
    }
  });

  test("bots, people without a first name and broken JSON are refused", () => {
    const refused = [
      `{"id":1,"first_name":"A","is_bot":true}`,
      `{"id":1,"first_name":"A","is_bot":"yes"}`,
      `{"id":1}`,
      `{"id":1,"first_name":7}`,
      `{"first_name":"A"}`,
      `[1]`,
      `null`,
      `1`,
      ``,
      `{"id":1,`,
    ];
    for (const user of refused) expect(verdictOn(user)).toBe("init_data_invalid");
  });

  test("names are cut to 128 code points and lose control characters, reversing marks and broken surrogates", () => {
    const user = accepted({ id: 1, first_name: "😀".repeat(200), last_name: "a\u0000b\n\u0085c\u202ed\ud800" });
    expect(user.firstName).toBe("😀".repeat(128));
    expect(user.lastName).toBe("abcd\ufffd");
  });

  test("a family emoji keeps its joiners and a blank first name is taken as it is", () => {
    expect(accepted({ id: 1, first_name: "👨‍👩‍👧" }).firstName).toBe("👨‍👩‍👧");
    expect(accepted({ id: 1, first_name: "" }).firstName).toBe("");
  });

  test("optional parts that do not look right are left out", () => {
    const odd = { username: "<b>", language_code: "ru'--", photo_url: "javascript:alert(1)", is_premium: "yes" };
    expect(accepted({ id: 1, first_name: "A", last_name: 5, ...odd })).toEqual({ id: 1, firstName: "A" });
  });

  test("a start parameter outside Telegram's alphabet is left out", () => {
    for (const [value, expected] of [
      ["ref_1-a", "ref_1-a"],
      ["", undefined],
      ["a b", undefined],
      ["x".repeat(513), undefined],
    ]) {
      const initData = signedByOracle([...MINIMAL, ["start_param", value ?? ""]], TOKEN_A);
      expect(check(initData, TOKEN_A).startParam).toBe(expected);
    }
  });
});

describe("what is refused before anything is believed", () => {
  const refused: Record<string, string> = {
    "a repeated field whose last value is the genuine one": `user=%7B%22id%22%3A1%7D&${mint()}`,
    "a field repeated with the same value": `${mint()}&start_param=ref_abc`,
    "a repeated hash": `hash=${"0".repeat(64)}&${mint()}`,
    "an empty string, as from a plain browser": "",
    "no hash": "user=%7B%7D&auth_date=1",
    "a short hash": `${mint().slice(0, -1)}`,
    "a long hash": `${mint()}0`,
    "a name that does not decode": `${mint()}&%zz=1`,
    "no auth_date": signedByOracle([["user", JSON.stringify(ANNA)]], TOKEN_A),
    "an auth_date with a fraction": signedByOracle(
      [
        ["user", JSON.stringify(ANNA)],
        ["auth_date", `${AUTH_DATE}.5`],
      ],
      TOKEN_A,
    ),
    "a negative auth_date": signedByOracle(
      [
        ["user", JSON.stringify(ANNA)],
        ["auth_date", "-1"],
      ],
      TOKEN_A,
    ),
    "letters outside ASCII": `${mint()}&name=я`,
    "4,097 bytes": mint().padEnd(4_097, "0"),
  };
  for (const [what, initData] of Object.entries(refused)) {
    test(`refused: ${what}`, () => expect(verdict(initData, TOKEN_A)).toBe("init_data_invalid"));
  }

  test("4,096 bytes are read", () => {
    const base = signedByOracle([...MINIMAL, ["padding", ""]], TOKEN_A);
    const padding = "x".repeat(4_096 - base.length);
    const full = signedByOracle([...MINIMAL, ["padding", padding]], TOKEN_A);
    expect(full).toHaveLength(4_096);
    expect(verdict(full, TOKEN_A)).toBe("accepted");
    expect(verdict(signedByOracle([...MINIMAL, ["padding", `${padding}x`]], TOKEN_A), TOKEN_A)).toBe(
      "init_data_invalid",
    );
  });

  test("a refusal carries no detail that could leak launch data into a log", () => {
    try {
      check(mint("wrong_token"), TOKEN_A);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
      expect((error as Refusal).details).toEqual({});
      expect((error as Refusal).message).toBe("init_data_invalid");
      expect((error as Refusal).cause).toBeUndefined();
    }
  });
});
