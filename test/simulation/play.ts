import { eq } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { chatTurns } from "../../src/features/editing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import { jobHandlers } from "../../src/jobs.ts";
import { after, HOUR_MS } from "../../src/platform/clock.ts";
import { OperatorError, ProviderFailure, Refusal } from "../../src/platform/errors.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim, complete, type LeasedJob } from "../../src/platform/queue/claim.ts";
import { giveBack, giveBackFailed, type JobOutcome, LeaseLost, park } from "../../src/platform/queue/outcome.ts";
import { freeWorker } from "../../src/platform/queue/rescue.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { StorageFailure } from "../../src/platform/storage/storage.ts";
import { Actor, type Ending, type Halt, type Interruption, Killed } from "./actor.ts";
import type { World } from "./world.ts";

/** Somebody of the history. The guard of the API is left out here: whoever is banned or erased asks for nothing. */
export interface Person {
  number: number;
  telegramId: number;
  id: string;
  isErased: boolean;
  isBanned: boolean;
  photos: { user: string; item: string } | null;
  sessionId: string | null;
}

/** A deed that was begun, and what becomes of it. */
export interface Deed {
  name: string;
  work: (ctx: Context, actor: Actor) => Promise<unknown>;
  /** Called when it has answered. */
  onAnswer?: (value: never) => void;
  interruption?: Interruption | null;
  dieLoudly?: boolean;
}

interface Paused {
  actor: Actor;
  deed: Deed;
  since: Date;
}

/** A process that stands still for longer than this is ended by whoever looks after it: it never goes on. */
const STANDSTILL_MS_MAX = HOUR_MS;

/** As many failed runs as the product's worker allows. */
const TRIES_MAX = 8;

/** One history while it is played: who is there, what stands still, what was seen to go wrong. */
export class Play {
  readonly world: World;
  readonly people: Person[] = [];
  readonly paused: Paused[] = [];
  /** Workers that died or stand still, whose leases nobody has freed yet. */
  readonly silentWorkers = new Set<string>();
  /** What was answered as accepted, by the table. */
  readonly acknowledged = { generations: new Set<string>(), payments: new Set<string>(), refunds: new Set<string>() };
  readonly violations: string[] = [];
  readonly lines: string[] = [];
  /** Jobs that an operator has set aside. */
  readonly parkedByHand = new Set<string>();
  /** What the shop's notices spoke of that were answered with 200; the shop sends others again for a day, and then no more. */
  readonly noticesTaken = new Set<string>();

  constructor(world: World) {
    this.world = world;
  }

  /** Begins a deed and lets it run until its end or its interruption; returns what became of it, in words. */
  async act(deed: Deed): Promise<string> {
    const actor = new Actor(deed.name, deed.interruption ?? null, { dieLoudly: deed.dieLoudly ?? false });
    const ctx = this.world.contextOf(actor);
    return this.became(actor, deed, await actor.run(() => deed.work(ctx, actor)));
  }

  /** Lets a deed that stands still go on. */
  async resume(which: number): Promise<string> {
    const [one] = this.paused.splice(which % this.paused.length, 1);
    if (!one) return "nobody stands still";
    const before = await this.workOf(one.actor);
    const words = this.became(one.actor, one.deed, await one.actor.resume());
    if (before !== null && before !== (await this.workOf(one.actor))) {
      this.violations.push(`a worker that had lost its job changed it: ${words}`);
    }
    return `${one.deed.name} goes on: ${words}`;
  }

  /** How the job and what it works on stand, for a worker that has lost it to another; null for any other. */
  private async workOf({ job }: Actor): Promise<string | null> {
    if (job === null) return null;
    const [row] = await this.world.ctx.db.select().from(jobs).where(eq(jobs.id, job.id));
    if (row === undefined || row.lease === job.lease) return null;
    const { payload, state, lease, failures } = row;
    const id = String(payload.generation_id ?? payload.turn_id ?? "");
    const facts = [
      await this.world.ctx.db.select().from(generations).where(eq(generations.id, id)),
      await this.world.ctx.db.select().from(chatTurns).where(eq(chatTurns.id, id)),
    ];
    return JSON.stringify([state, lease, failures, ...facts]);
  }

  /** Ends what has stood still for too long. */
  endStandstills(): void {
    const now = this.world.clock.now();
    for (const one of [...this.paused]) {
      if (after(one.since, STANDSTILL_MS_MAX) > now) continue;
      one.actor.kill();
      this.paused.splice(this.paused.indexOf(one), 1);
    }
  }

  /** Takes what silent workers hold: their leases have run out. */
  async freeLeases(): Promise<string> {
    let freed = 0;
    for (const workerId of this.silentWorkers) freed += await freeWorker(this.world.ctx, workerId);
    this.silentWorkers.clear();
    return `${freed} jobs are free again`;
  }

  private became(actor: Actor, deed: Deed, result: Ending | Halt): string {
    if (result.kind === "ended") {
      deed.onAnswer?.(result.value as never);
      return typeof result.value === "string" ? result.value : "done";
    }
    if (result.kind === "threw") {
      if (result.error instanceof Killed) return "died";
      if (isAnswer(result.error)) return `refused: ${wordsOf(result.error)}`;
      this.violations.push(`${deed.name} broke: ${wordsOf(result.error)}`);
      return `BROKE: ${wordsOf(result.error)}`;
    }
    if (actor.workerId !== null) this.silentWorkers.add(actor.workerId);
    if (result.kind === "paused") this.paused.push({ actor, deed, since: this.world.clock.now() });
    return `${result.kind} ${result.at}`;
  }

  /** A worker of its own takes the best job that is due and runs it; null when none is. */
  work(interruption: Interruption | null): Promise<string | null> {
    let found = false;
    const deed: Deed = {
      name: "a worker",
      interruption,
      work: async (ctx, actor) => {
        const handlers = jobHandlers(ctx);
        const workerId = newId();
        const [job] = await claim(ctx, workerId, this.kinds([...handlers.keys()]), 1);
        if (!job) return "nothing is due";
        found = true;
        actor.workerId = workerId;
        actor.job = job;
        await actor.point("after the claim");
        const run = handlers.get(job.kind)?.run(job) ?? Promise.reject(new Error(`no handler for ${job.kind}`));
        const outcome = await run.catch((error: unknown): JobOutcome => ({ kind: "failed", error }));
        await actor.point("after the run");
        await this.writeEnd(ctx, job, outcome);
        return `${job.kind} ${describe(outcome)}`;
      },
    };
    return this.act(deed).then((words) => (found ? words : null));
  }

  private kinds(all: string[]): string[] {
    const { bot } = this.world.conditions;
    return bot ? all : all.filter((kind) => !kind.startsWith("outbox.") && kind !== "owner.alert");
  }

  /** As the product's own worker writes it (hands.ts). */
  private async writeEnd(ctx: Context, job: LeasedJob, outcome: JobOutcome): Promise<void> {
    if (outcome.kind === "done") return complete(ctx, [job.id], [job.lease]);
    if (outcome.kind === "later") return giveBack(ctx, job, outcome.afterMs);
    if (outcome.kind === "give_up") {
      this.violations.push(`the job ${job.kind} gave up: ${outcome.reason}`);
      return park(ctx, job, outcome.reason);
    }
    if (outcome.error instanceof LeaseLost) return;
    if (outcome.error instanceof Killed) return;
    if (!isPassing(outcome.error)) this.violations.push(`the job ${job.kind} broke: ${wordsOf(outcome.error)}`);
    await giveBackFailed(ctx, job, outcome.error, { triesMax: TRIES_MAX, random: () => 0.5 });
  }
}

/** What a request may be answered with. */
function isAnswer(error: unknown): boolean {
  return error instanceof Refusal || error instanceof OperatorError || isPassing(error);
}

/** What a job may fail with, to be tried again. */
function isPassing(error: unknown): boolean {
  return error instanceof ProviderFailure || error instanceof StorageFailure;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.name} ${error.message.slice(0, 300)}${cause}`;
}

function describe(outcome: JobOutcome): string {
  if (outcome.kind === "later") return `again after ${Math.round(outcome.afterMs)} ms`;
  return outcome.kind === "failed" ? `failed: ${wordsOf(outcome.error)}` : outcome.kind;
}
