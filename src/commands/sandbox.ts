import { processEnvironment } from "../platform/config/environment.ts";
import { OperatorError } from "../platform/errors.ts";
import { type RunningSandbox, startSandbox } from "../sandbox/server.ts";
import { type Command, print, readArguments, wholeNumberFrom } from "./command.ts";

const USAGE = "Usage: atelier sandbox [--port <number>]";
/** Beside the 3000 of the server, so that both may run. */
const PORT_DEFAULT = 3900;
const PORT_MAX = 65_535;

export const sandboxCommand: Command = {
  name: "sandbox",
  summary: "the providers' emulators alone, for a server that runs elsewhere on this machine",
  help: `${USAGE}

  --port   the port of the sandbox's own pages; default: ${PORT_DEFAULT}, 0 takes any free one

Plays the providers on loopback and prints the settings that point a server at them: put them into its environment or
its .env. The emulators speak the same HTTP as the real ones, so a server of your own can be tried with them too.
Their fault switches: GET, PUT and DELETE <KIE_API_URL>/_faults. Runs until SIGTERM or SIGINT.

Examples:
  atelier sandbox > sandbox.env         in one terminal
  env $(grep -v '^#' sandbox.env) atelier serve     in another`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { port: "string" } });
    const port = wholeNumberFrom(values.port ?? String(PORT_DEFAULT), "--port", { min: 0, max: PORT_MAX });
    // Nothing but the server's port is taken from outside: real keys have no business here and do no harm.
    const serverPort = processEnvironment.get("PORT");
    const started = Promise.withResolvers<RunningSandbox>();
    const pages = servePages(started.promise, port);
    const pagesUrl = `http://127.0.0.1:${pages.port}`;
    const sandbox = await startSandbox({ environment: new Map(serverPort ? [["PORT", serverPort]] : []), pagesUrl });
    started.resolve(sandbox);
    print(instructions(sandbox, pagesUrl));
    await new Promise<void>((resolve) => {
      process.once("SIGTERM", () => resolve());
      process.once("SIGINT", () => resolve());
    });
    await pages.stop(true);
    await sandbox.stop();
    return 0;
  },
};

/** First, because the port that it gets stands in the pay pages' addresses. */
function servePages(started: Promise<RunningSandbox>, port: number): ReturnType<typeof Bun.serve> {
  try {
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      reusePort: false,
      development: false,
      fetch: async (request) => {
        const isHome = new URL(request.url).pathname === "/";
        return isHome ? Response.redirect("/sandbox/") : (await started).handle(request);
      },
    });
  } catch (error) {
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    throw new OperatorError(`Port ${port} is taken by another program. Choose another: --port ${port + 1}`);
  }
}

/** Lines that a shell and a `.env` take as they are; everything else stands behind a `#`. */
function instructions(sandbox: RunningSandbox, pagesUrl: string): string {
  const settings = [...sandbox.environment].filter(([, { source }]) => source === "sandbox");
  return [
    "# SANDBOX: nothing here costs money or leaves this machine.",
    `# pages                 ${pagesUrl}/sandbox/`,
    `# signed sign-in data   ${pagesUrl}/sandbox/init-data?telegram_id=1001`,
    `# chats with the bot    ${pagesUrl}/sandbox/telegram/chat/`,
    `# kie.ai's emulator     ${sandbox.kie.url}  uploads ${sandbox.kie.uploadUrl}  files ${sandbox.kie.filesUrl}`,
    "# A server finds them with these settings:",
    ...settings.map(([name, { value }]) => `${name}=${value}`),
    "# Ctrl+C ends the sandbox.",
  ].join("\n");
}
