import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type Clock, MINUTE_MS } from "../../../src/platform/clock.ts";
import type { Deployment, EndedProgram, ServerProcess } from "../processes.ts";
import { CLOCK_AHEAD_MS, KILL_AT, KILL_JOURNAL, pointsIn } from "./points.ts";

/** So much later a server that was killed is there again. */
const DOWN_MS = 15 * MINUTE_MS;
/** A cut connection may be noticed before the end of the process is. */
const DEATH_MS_MAX = 2_000;
const PAUSE_MS = 20;
const DEADLINE_MS = 30_000;

/** Goes with the machine's clock and can be put forward; a process keeps what it began with. */
export interface StoryClock extends Clock {
  aheadMs: number;
}

export function storyClock(begins: Date): StoryClock {
  const clock = { aheadMs: begins.getTime() - Date.now(), now: () => after(new Date(), clock.aheadMs) };
  return clock;
}

/** The processes of one deployment, of which one dies at its kill point and is started again, never to die a second time. */
export interface KillableProcesses {
  /** Starts a server at this moment, or now if that is over, after the one that serves was stopped in good order. */
  serveAt(moment: Date): Promise<void>;
  stop(): Promise<void>;
  /** Does what needs a server; from the beginning, with another server, when that one has died over it. */
  patiently<T>(work: () => Promise<T>): Promise<T>;
  /** Looks again and again until it is so. */
  until<T>(look: () => Promise<T>, isSo: (found: T) => boolean, what: string): Promise<T>;
  /** Runs a command of the operator, again if it was killed. */
  command(...words: string[]): Promise<EndedProgram>;
  /** The points that were reached: none behind the kill, but by processes that run beside the one that died. */
  points(): readonly string[];
  wasKilled(): boolean;
  remove(): void;
}

/** Prepares them; `killAt` is the number of the point, 0 for none. No process runs before something needs one. */
export function killableProcesses(deployment: Deployment, clock: StoryClock, killAt: number): KillableProcesses {
  const folder = mkdtempSync(join(tmpdir(), "atelier-kill-"));
  const journal = join(folder, "journal");
  writeFileSync(journal, "");
  let server: ServerProcess | undefined;
  let killed = false;
  const settings = () => ({
    [CLOCK_AHEAD_MS]: String(clock.aheadMs),
    ...(killed ? {} : { [KILL_JOURNAL]: journal, [KILL_AT]: String(killAt) }),
  });
  /** To be told of every process that has ended: throws unless that was the kill. */
  const mourn = (lastWords: string): void => {
    if (killed || killAt === 0 || pointsIn(journal).length < killAt) throw new Error(`a process ended: ${lastWords}`);
    killed = true;
  };
  const mournServer = (lastWords: string): void => {
    mourn(lastWords);
    server = undefined;
    clock.aheadMs += DOWN_MS;
  };
  const serving = async (): Promise<ServerProcess> => {
    while (server === undefined) {
      try {
        server = await deployment.start("all", settings());
      } catch (error) {
        mournServer(String(error));
      }
    }
    return server;
  };

  const processes: KillableProcesses = {
    async serveAt(moment) {
      await processes.stop();
      clock.aheadMs = Math.max(clock.aheadMs, moment.getTime() - Date.now());
      await serving();
    },
    async stop() {
      if (server === undefined) return;
      const { code } = await server.end("SIGTERM");
      if (code !== 0) mournServer(`with ${code} when it was stopped\n${server.output()}`);
      server = undefined;
    },
    async patiently(work) {
      for (;;) {
        const asked = await serving();
        try {
          return await work();
        } catch (error) {
          const hasDied = await Promise.race([asked.ended.then(() => true), Bun.sleep(DEATH_MS_MAX).then(() => false)]);
          if (!hasDied) throw new Error(`${error}; the server said:\n${asked.output()}`);
          mournServer(asked.output());
        }
      }
    },
    async until(look, isSo, what) {
      const deadline = performance.now() + DEADLINE_MS;
      for (;;) {
        const found = await processes.patiently(look);
        if (isSo(found)) return found;
        if (performance.now() > deadline) throw new Error(`${what}: not in time\n${server?.output() ?? ""}`);
        await Bun.sleep(PAUSE_MS);
      }
    },
    async command(...words) {
      for (;;) {
        const ended = await deployment.run(words, settings());
        if (ended.code !== null) return ended;
        mourn(ended.stderr);
      }
    },
    points: () => pointsIn(journal),
    wasKilled: () => killed,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  return processes;
}
