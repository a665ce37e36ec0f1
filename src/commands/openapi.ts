import { apiDescription } from "../api-description.ts";
import type { Context } from "../context.ts";
import { systemClock } from "../platform/clock.ts";
import { loadSettings } from "../platform/config/load.ts";
import { OperatorError } from "../platform/errors.ts";
import { describeRoutes, type OpenApiDocument } from "../platform/http/openapi.ts";
import { randomToken } from "../platform/ids.ts";
import { createLog } from "../platform/telemetry/log.ts";
import { noTelemetry } from "../platform/telemetry/telemetry.ts";
import { createApp } from "../routes.ts";
import { type Command, print, readArguments } from "./command.ts";

const USAGE = "Usage: atelier openapi [--out <file>]";

export const openapiCommand: Command = {
  name: "openapi",
  summary: "the API's description (OpenAPI 3.1), as a server gives it at /openapi.json",
  help: `${USAGE}

  --out   write it to this file instead of printing it

Needs no settings and no database.

Examples:
  atelier openapi --out openapi.json
  atelier openapi | jq '.paths | keys'`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { out: "string" } });
    const text = openApiText(describeApi());
    if (values.out === undefined) {
      print(text.trimEnd());
      return 0;
    }
    try {
      await Bun.write(values.out, text);
    } catch (error) {
      throw new OperatorError(`${values.out} cannot be written: ${(error as Error).message}`);
    }
    return 0;
  },
};

/** The document as it is kept in files: indented, with a line end. */
export function openApiText(document: OpenApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Describes the API without settings or a database: the routes are put together here and never run. */
export function describeApi(): OpenApiDocument {
  const { app, hub } = createApp(contextForDescribing(), { healthChecks: [], isStopping: () => false });
  try {
    return describeRoutes(app.routes, apiDescription);
  } finally {
    hub.stop();
  }
}

/** What putting the routes together takes. Everything else is missing on purpose, and asking for it a bug. */
function contextForDescribing(): Context {
  const secret = { value: randomToken(32), source: "default" } as const;
  const { settings } = loadSettings(new Map([["JWT_SECRET", secret]]), { serving: false });
  const present = {
    settings,
    clock: systemClock,
    log: createLog({ level: "error", format: "json", write: () => {} }),
    wakeUps: { subscribe: () => () => {} },
    telemetry: noTelemetry,
  };
  return new Proxy(present, {
    get(target, name) {
      const isAbsent = typeof name === "string" && !(name in target) && !LAZY.has(name);
      if (isAbsent) throw new Error(`describing the API must not touch ${name}`);
      return Reflect.get(target, name);
    },
  }) as unknown as Context;
}

/** Taken along by destructuring, though only used by requests. */
const LAZY = new Set(["db", "then"]);
