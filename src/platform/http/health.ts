import { Elysia, t } from "elysia";
import { closed } from "./schemas.ts";

/** A readiness check that takes longer counts as failed. */
const CHECK_MS_MAX = 2_000;

export interface HealthCheck {
  name: string;
  /** Resolves when all is well. */
  check(): Promise<unknown>;
  /** Shown, but never a reason to send people elsewhere: the other processes miss the same thing. */
  shownOnly?: boolean;
}

const Readiness = t.Object(
  {
    status: t.Union([t.Literal("ready"), t.Literal("not_ready")]),
    checks: t.Record(t.String(), t.String()),
  },
  closed,
);

/**
 * `/health/live`: the process answers. `/health/ready`: it can do its work; red while something it needs is away or while
 * it is stopping, so that a balancer sends people elsewhere. What all processes would miss alike is shown and leaves it
 * green: without a storage, sign-in, payments and the provider's notices still work, and taking every process out of the
 * balancer would turn a part that fails into a whole that does.
 */
export function health(checks: readonly HealthCheck[], isStopping: () => boolean) {
  return new Elysia({ name: "health" })
    .get("/health/live", () => ({ status: "ok" as const }), {
      response: { 200: t.Object({ status: t.Literal("ok") }, closed) },
      detail: { tags: ["health"], summary: "The process answers", security: [] },
    })
    .get(
      "/health/ready",
      async ({ status }) => {
        const results = await Promise.all(checks.map((one) => outcomeOf(one)));
        const isReady = !isStopping() && results.every((result) => result.ok || result.shownOnly);
        const answer = {
          status: isReady ? ("ready" as const) : ("not_ready" as const),
          checks: Object.fromEntries(results.map((result) => [result.name, result.ok ? "ok" : "failed"])),
        };
        return status(isReady ? 200 : 503, answer);
      },
      {
        response: { 200: Readiness, 503: Readiness },
        detail: { tags: ["health"], summary: "The process can do its work", security: [] },
      },
    );
}

/** Runs one check, for `CHECK_MS_MAX` at most. */
export async function outcomeOf(one: HealthCheck): Promise<{ name: string; ok: boolean; shownOnly: boolean }> {
  const { name, shownOnly = false } = one;
  const late = Bun.sleep(CHECK_MS_MAX).then(() => {
    throw new Error("too slow");
  });
  try {
    await Promise.race([one.check(), late]);
    return { name, ok: true, shownOnly };
  } catch {
    return { name, ok: false, shownOnly };
  } finally {
    late.catch(() => {});
  }
}
