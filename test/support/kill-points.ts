import type { Context, OpenContext } from "../../src/context.ts";
import type { Database, Queries } from "../../src/platform/db/database.ts";
import { withDatabase } from "../../src/platform/transactional.ts";
import type { GuardedPaymentProvider } from "../../src/providers/payment-breaker.ts";

/**
 * A context in which every finished database write, every commit, and the moments before and after every call of the
 * payment provider are counted; `reached` is called with each number. The points are found by running, not listed.
 */
export function withKillPoints(open: OpenContext, reached: (point: number) => void): Context {
  let count = 0;
  const point = () => {
    count += 1;
    reached(count);
  };
  const database: Database = {
    ...open.database,
    queries: counted(open.database.queries, point),
    async transaction(work) {
      const result = await open.database.transaction((queries) => work(counted(queries, point)));
      point();
      return result;
    },
  };
  const provider = open.ctx.paymentProvider;
  const parts = { ...open.ctx, paymentProvider: provider && countedProvider(provider, point) };
  return withDatabase(parts, database) as unknown as Context;
}

const WRITES: ReadonlySet<PropertyKey> = new Set(["insert", "update", "delete"]);

function counted(queries: Queries, point: () => void): Queries {
  return new Proxy(queries, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...args: unknown[]) => unknown;
      return WRITES.has(name) ? (...args: unknown[]) => countedBuilder(bound(...args), point) : bound;
    },
  });
}

/** A statement being built; it counts once it was carried out. */
function countedBuilder(builder: unknown, point: () => void): unknown {
  if (typeof builder !== "object" || builder === null) return builder;
  return new Proxy(builder, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...args: unknown[]) => unknown;
      if (name !== "then") return (...args: unknown[]) => countedBuilder(bound(...args), point);
      return (done: (rows: unknown) => unknown, failed: (error: unknown) => unknown) =>
        bound((rows: unknown) => {
          try {
            point();
          } catch (error) {
            // A test that throws instead of killing: the statement was carried out, and its answer is lost.
            return failed(error);
          }
          return done(rows);
        }, failed);
    },
  });
}

function countedProvider(provider: GuardedPaymentProvider, point: () => void): GuardedPaymentProvider {
  const around = async <T>(call: Promise<T>): Promise<T> => {
    const result = await call;
    point();
    return result;
  };
  const before = () => point();
  return {
    ...provider,
    create(order) {
      before();
      return around(provider.create(order));
    },
    read(id) {
      before();
      return around(provider.read(id));
    },
    refund(order) {
      before();
      return around(provider.refund(order));
    },
    readRefund(id) {
      before();
      return around(provider.readRefund(id));
    },
  };
}
