/**
 * One thing that happens in some process: a request, a notice, a run of a job. It may be interrupted at its points, which lie
 * before and after each call of a provider, before and after each commit:
 *
 *   crash   nothing of it ever goes on: the promise that it waits for never resolves, so that no `catch` and no `finally` of the
 *           product runs, as after SIGKILL. Inside a transaction that is rolled back.
 *   pause   it stands still, as a process does under SIGSTOP, until the history lets it go on. Never inside a transaction, which
 *           would hold the one writer of SQLite.
 */
export interface Interruption {
  kind: "crash" | "pause";
  /** At which of its points, from 1. */
  at: number;
}

export type Ending = { kind: "ended"; value: unknown } | { kind: "threw"; error: unknown };
export type Halt = { kind: "paused" | "crashed"; at: string };

/** Undoes the transaction in whose midst the process died. Never seen by the product. */
export class Killed extends Error {
  override readonly name = "Killed";
}

const never = (): Promise<never> => new Promise(() => {});

export class Actor {
  readonly name: string;
  /** The worker whose leases this one holds, if it is a worker. */
  workerId: string | null = null;
  /** The job that it has in hand, as it was claimed. */
  job: { id: string; lease: string } | null = null;
  private plan: Interruption | null;
  /** In a transaction a pause is put off to the next point outside. */
  private reached = 0;
  private dead = false;
  /** Ends by an exception, for code that counts in the process's memory what it has begun. */
  private readonly dieLoudly: boolean;
  private ending: Promise<Ending> | null = null;
  private halted = Promise.withResolvers<Halt>();
  private gate: PromiseWithResolvers<void> | null = null;

  constructor(name: string, plan: Interruption | null, options: { dieLoudly?: boolean } = {}) {
    this.name = name;
    this.plan = plan;
    this.dieLoudly = options.dieLoudly ?? false;
  }

  get isDead(): boolean {
    return this.dead;
  }

  /** Runs until the end, or until it is interrupted. */
  run(work: () => Promise<unknown>): Promise<Ending | Halt> {
    this.ending = work().then(
      (value): Ending => ({ kind: "ended", value }),
      (error: unknown): Ending => ({ kind: "threw", error }),
    );
    return Promise.race([this.ending, this.halted.promise]);
  }

  /** Goes on after a pause. */
  resume(): Promise<Ending | Halt> {
    if (this.gate === null || this.ending === null) throw new Error(`${this.name} does not stand still`);
    this.halted = Promise.withResolvers<Halt>();
    const { resolve } = this.gate;
    this.gate = null;
    resolve();
    return Promise.race([this.ending, this.halted.promise]);
  }

  /** Dies where it stands. */
  kill(): void {
    this.dead = true;
  }

  /** A place at which it may be interrupted. */
  async point(name: string, options: { inTransaction?: boolean } = {}): Promise<void> {
    if (this.dead) return this.stop();
    this.reached += 1;
    if (this.plan === null || this.reached < this.plan.at) return;
    if (this.plan.kind === "crash") {
      this.dead = true;
      this.halted.resolve({ kind: "crashed", at: name });
      if (options.inTransaction) throw new Killed(name);
      return this.stop();
    }
    if (options.inTransaction) return;
    this.plan = null;
    this.gate = Promise.withResolvers<void>();
    this.halted.resolve({ kind: "paused", at: name });
    await this.gate.promise;
    if (this.dead) return this.stop();
  }

  /** A call with a point before and one after it. */
  async around<T>(name: string, call: () => Promise<T>): Promise<T> {
    await this.point(`before ${name}`);
    let result: T;
    try {
      result = await call();
    } catch (error) {
      await this.point(`after ${name}`);
      throw error;
    }
    await this.point(`after ${name}`);
    return result;
  }

  /** What a dead process waits for never comes. */
  stop(): Promise<never> {
    if (this.dieLoudly) throw new Killed(this.name);
    return never();
  }
}
