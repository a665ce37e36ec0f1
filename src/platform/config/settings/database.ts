import { choice, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** SQLite or Postgres, and the way there. */
export const databaseSettings = {
  DATA_DIR: words({ text: "The folder of the SQLite file and of stored pictures.", default: "./data" }),
  DATABASE_URL: words({
    text: "Empty for SQLite in DATA_DIR, or a Postgres (15 or later) address; hosts after one another, by commas, survive a failover.",
    default: "",
    example: "postgres://atelier:password@localhost:5432/atelier",
    secret: true,
    pattern: /^postgres(ql)?:\/\//,
    expectation: "empty (SQLite in DATA_DIR) or a postgres:// address",
  }),
  DATABASE_POOL_MAX: wholeNumber({
    text: "Postgres connections of one process at most.",
    default: 20,
    min: 2,
    max: 500,
  }),
  DATABASE_PREPARE: choice({
    text: "`off` behind a pooler that does not carry prepared statements (PgBouncer before 1.21).",
    default: "on",
    among: ["on", "off"],
  }),
  DATABASE_POOLER: choice({
    text: "`transaction` where DATABASE_URL is a pooler in transaction mode (PgBouncer): no session is relied on then.",
    default: "off",
    among: ["off", "transaction"],
  }),
  DATABASE_DIRECT_URL: words({
    text: "Postgres itself, where DATABASE_URL is a pooler: for notices between processes and for migrations.",
    default: "",
    example: "postgres://atelier:password@localhost:5432/atelier",
    secret: true,
    pattern: /^postgres(ql)?:\/\//,
    expectation: "empty or a postgres:// address",
  }),
  DATABASE_CA_FILE: words({
    text: "PEM of the authority that signed Postgres's certificate; then host and certificate must agree.",
    default: "",
    example: "/etc/atelier/postgres-ca.pem",
  }),
} as const satisfies SettingsPart;
