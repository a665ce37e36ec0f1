import type { ErrorEvent, StackFrame } from "@sentry/bun";

/** Frames of a stack that are sent, the innermost ones. */
const FRAMES_MAX = 40;
/** The name of a class of ours or of a library. */
const CLASS_NAME = /^[A-Za-z_]{1,60}$/;
/** Names from the program's text: methods, `new X`, `async f`. */
const FUNCTION_NAME = /^[\w$.<> ]{1,100}$/;
const STACK_LINE = /^ +at (?:(.+?) \(|async )?(\S+?):(\d+)(?::(\d+))?\)?$/;
/** Files of the program, of its libraries, and of the compiled file; the folder that they lie in stays here. */
const PROGRAM_FILE = /(?:^|\/)((?:src|node_modules|\$bunfs)\/[\w@.$/+-]{1,200})$/;
/** Ids, route templates, kinds of jobs and failures. */
const TAG_VALUE = /^[\w.:/*-]{1,120}$/;
const TAGS = ["role", "request_id", "route", "job_kind", "provider", "failure"] as const;

/** The error's class; `Error` where it says anything else. */
export function nameOf(error: unknown): string {
  const name = error instanceof Error ? error.name : "Error";
  return CLASS_NAME.test(name) ? name : "Error";
}

/**
 * Where the error was thrown, outermost first as Sentry wants it: names of functions and files of the program, and
 * lines. The stack begins with the message, which may itself look like a stack: it is cut off by its length.
 */
export function framesOf(error: unknown): StackFrame[] {
  if (!(error instanceof Error) || typeof error.stack !== "string") return [];
  const at = error.stack.indexOf(error.message);
  const lines = error.message === "" ? error.stack : at === -1 ? "" : error.stack.slice(at + error.message.length);
  const frames: StackFrame[] = [];
  for (const line of lines.split("\n")) {
    const [, name, file, lineNumber, column] = STACK_LINE.exec(line) ?? [];
    const filename = PROGRAM_FILE.exec(file ?? "")?.[1];
    if (filename === undefined) continue;
    frames.push({
      function: name !== undefined && FUNCTION_NAME.test(name) ? name : "?",
      filename,
      lineno: Number(lineNumber),
      ...(column === undefined ? {} : { colno: Number(column) }),
      in_app: !filename.includes("node_modules"),
    });
    if (frames.length === FRAMES_MAX) break;
  }
  return frames.reverse();
}

/**
 * The event with nothing on it but what is known to be harmless, whatever the library or a later version of it put there:
 * no request, no person, no address, no breadcrumbs, no variables, no words that were not written in this program.
 */
export function allowedEvent(event: ErrorEvent): ErrorEvent {
  const [exception] = event.exception?.values ?? [];
  const tags: Record<string, string> = {};
  for (const name of TAGS) {
    const value = event.tags?.[name];
    if (typeof value === "string" && TAG_VALUE.test(value)) tags[name] = value;
  }
  const frames = exception?.stacktrace?.frames;
  return {
    type: undefined,
    platform: "javascript",
    level: "error",
    ...pick(event, ["event_id", "timestamp", "release", "environment", "fingerprint", "sdk"]),
    tags,
    exception: {
      values: [
        {
          ...pick(exception ?? {}, ["type", "value"]),
          ...(frames === undefined
            ? {}
            : {
                stacktrace: {
                  frames: frames.map((one) => pick(one, ["function", "filename", "lineno", "colno", "in_app"])),
                },
              }),
        },
      ],
    },
  };
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked as Pick<T, K>;
}
