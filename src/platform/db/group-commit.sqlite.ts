import { AsyncLocalStorage } from "node:async_hooks";

/** What a group does with its handle. */
export interface GroupHandle {
  /** Begins a transaction that may write; waits for other processes' write locks. */
  begin(): Promise<void>;
  /** Runs a statement that answers nothing. */
  run(statement: string): void;
  /** False once SQLite has undone a transaction by itself, because the disk was full or failed. */
  isInTransaction(): boolean;
}

/** Runs the work of those who write, one after another, and commits those together who wait at the same time. */
export interface GroupCommit {
  /** Resolves once what `work` wrote is committed, and on the disk; rejects where nothing of it is. */
  write<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` with no transaction around it, behind everything that was asked before. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Work in one commit: nobody waits for the end of a crowd. */
const GROUP_SIZE_MAX = 64;
/** A group that has worked for so long commits before it goes on. */
const GROUP_MS_MAX = 10;

interface Member {
  /** With the asynchronous context of whoever asked: its trace, its mark of a transaction. */
  work(): Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/**
 * Nearly all that a commit costs is the disk's sync, and one sync serves all who wait for one.
 *
 *   first     BEGIN IMMEDIATE, its work; where it fails, ROLLBACK
 *   others    a savepoint each: one that fails is undone, alone
 *   end       COMMIT; only now everybody hears how theirs ended
 *
 * Nobody hears of a failure before the commit either: what one refused, say a balance that was too small, may have been so
 * because of what another did, and that counts only now. Where the commit fails, nothing of the group is there, and all hear
 * that. Whoever waits alone pays nothing for this.
 */
export function createGroupCommit(handle: GroupHandle): GroupCommit {
  let last: Promise<unknown> = Promise.resolve();
  /** Takes in whoever comes, until it has begun its end or something that stands alone was asked. */
  let open: Member[] | null = null;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };

  return {
    write<T>(work: () => Promise<T>) {
      const within = AsyncLocalStorage.snapshot();
      return new Promise<T>((resolve, reject) => {
        const member: Member = { work: () => within(work), resolve: resolve as Member["resolve"], reject };
        if (open !== null) {
          open.push(member);
          return;
        }
        const members = [member];
        open = members;
        void inTurn(async () => {
          // One turn of the event loop: whoever's request has come already is in time for this commit.
          await new Promise((resolve) => setImmediate(resolve));
          while (members.length > 0) await commitTogether(handle, members);
          if (open === members) open = null;
        });
      });
    },
    alone(work) {
      open = null;
      return inTurn(work);
    },
  };
}

/** Takes members from the front of `waiting`, as many as may be in one commit. Never rejects. */
async function commitTogether(handle: GroupHandle, waiting: Member[]): Promise<void> {
  const first = waiting.shift() as Member;
  const tellAll: ((failure: { error: unknown } | null) => void)[] = [];
  try {
    await handle.begin();
    const result = await first.work();
    tellAll.push((failure) => (failure ? first.reject(failure.error) : first.resolve(result)));
  } catch (error) {
    undo(handle);
    first.reject(error);
    return;
  }
  const untilMs = performance.now() + GROUP_MS_MAX;
  try {
    while (waiting.length > 0 && tellAll.length < GROUP_SIZE_MAX && performance.now() < untilMs) {
      const member = waiting.shift() as Member;
      const own = await runBetween(handle, member);
      tellAll.push((failure) => {
        if (failure) member.reject(failure.error);
        else if ("error" in own) member.reject(own.error);
        else member.resolve(own.result);
      });
      if (!handle.isInTransaction()) throw "error" in own ? own.error : new Error("the transaction ended by itself");
    }
    handle.run("commit");
  } catch (error) {
    undo(handle);
    for (const tell of tellAll) tell({ error });
    return;
  }
  for (const tell of tellAll) tell(null);
}

/** Runs one member inside the transaction of those before it, which is gone afterwards if this one cannot be undone alone. */
async function runBetween(handle: GroupHandle, member: Member): Promise<{ result: unknown } | { error: unknown }> {
  try {
    handle.run("savepoint member");
    const result = await member.work();
    handle.run("release member");
    return { result };
  } catch (error) {
    try {
      handle.run("rollback to member");
      handle.run("release member");
    } catch {
      undo(handle);
    }
    return { error };
  }
}

/** A rollback that fails says nothing that the failure before it did not say. */
function undo(handle: GroupHandle): void {
  try {
    if (handle.isInTransaction()) handle.run("rollback");
  } catch {
    // The next one who begins hears of it.
  }
}
