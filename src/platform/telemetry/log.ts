import { describeError } from "./describe-error.ts";
import { currentScope } from "./scope.ts";

/** The levels of the log, most talkative first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts beside a message. Never secrets, initData, photos, prompts or names of people: ids only. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured log: one line of JSON an event, or one readable line at a terminal. Each line that is written while a request
 * is answered or its job runs carries the request's id, whoever writes it.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` on every line, such as the request id or the job id. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  level: LogLevel;
  /** `pretty` at a terminal, `json` everywhere else. */
  format: "json" | "pretty";
  write: (line: string) => void;
}

/** Makes a log. Lines below `level` cost one comparison. */
export function createLog(options: LogOptions, bound: LogFields = {}): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const emit = (level: LogLevel, message: string, fields?: LogFields): void => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const requestId = currentScope()?.requestId;
    const record = { ...(requestId ? { request_id: requestId } : {}), ...bound, ...fields };
    options.write(options.format === "json" ? jsonLine(level, message, record) : prettyLine(level, message, record));
  };
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    with: (fields) => createLog(options, { ...bound, ...fields }),
  };
}

/** Writes lines to standard error, so that standard output stays free for what a command prints. */
export function writeToStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A log that says nothing, for commands that print their own answer. */
export const silentLog: Log = createLog({ level: "silent", format: "json", write: () => {} });

function jsonLine(level: LogLevel, message: string, fields: LogFields): string {
  return JSON.stringify({ at: new Date().toISOString(), level, message, ...plain(fields) });
}

const COLOURS: Record<LogLevel, string> = { debug: "90", info: "36", warn: "33", error: "31", silent: "0" };

function prettyLine(level: LogLevel, message: string, fields: LogFields): string {
  const rest = Object.entries(plain(fields))
    .map(([key, value]) => `\u001b[90m${key}=\u001b[0m${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const time = new Date().toISOString().slice(11, 23);
  return `\u001b[90m${time}\u001b[0m \u001b[${COLOURS[level]}m${level.padEnd(5)}\u001b[0m ${message} ${rest}`.trimEnd();
}

/** Errors become what `describeError` tells of them; everything else goes through JSON as it is. */
function plain(fields: LogFields): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) result[key] = value instanceof Error ? describeError(value) : value;
  }
  return result;
}
