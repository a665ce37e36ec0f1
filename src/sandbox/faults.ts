import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** Where an emulator shows and takes its faults, over plain HTTP. */
export const FAULTS_PATH = "/_faults";

const FaultSpec = Type.Object(
  {
    mode: Type.String(),
    /** How often it strikes before it is used up; until it is cleared, if absent. */
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** How likely it is to strike each time; always, if absent. */
    probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** Makes the draws of `probability` the same in every run. */
    seed: Type.Optional(Type.Integer()),
    delayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
  },
  { additionalProperties: false },
);
export type FaultSpec = Static<typeof FaultSpec>;

/** What an emulator can be made to do wrong: for each switch, what it concerns and the modes that it knows. */
export type FaultCatalogue = Readonly<Record<string, { about: string; modes: readonly string[] }>>;

/** One fault that strikes now. */
export interface Strike {
  mode: string;
  delayMs: number | undefined;
}

export interface Faults {
  /** Throws an Error whose message is a sentence when the switch, the mode or a number is not known. */
  set(name: string, fault: FaultSpec): void;
  /** Switches one fault off, or all of them. */
  clear(name?: string): void;
  /** Asks whether the fault strikes this time, and counts it if so. */
  strike(name: string): Strike | undefined;
  /** What is switched on, with what is left of `times`. */
  active(): Record<string, FaultSpec>;
  /** Answers GET, PUT and DELETE of `/_faults`. */
  handle(request: Request): Promise<Response>;
}

interface ActiveFault {
  spec: FaultSpec;
  left: number;
  random: () => number;
}

/** The switches of one emulator. Nothing is wrong until a switch is set. */
export function createFaults(catalogue: FaultCatalogue): Faults {
  const active = new Map<string, ActiveFault>();

  const faults: Faults = {
    set(name, fault) {
      const problem = faultProblem(catalogue, name, fault);
      if (problem !== undefined) throw new Error(problem);
      const random = fault.seed === undefined ? Math.random : seededRandom(fault.seed);
      active.set(name, { spec: fault, left: fault.times ?? Number.POSITIVE_INFINITY, random });
    },
    clear(name) {
      if (name === undefined) active.clear();
      else active.delete(name);
    },
    strike(name) {
      const fault = active.get(name);
      if (fault === undefined || fault.random() >= (fault.spec.probability ?? 1)) return undefined;
      fault.left -= 1;
      if (fault.left <= 0) active.delete(name);
      return { mode: fault.spec.mode, delayMs: fault.spec.delayMs };
    },
    active() {
      const entries = [...active].map(([name, { spec, left }]) => {
        return [name, Number.isFinite(left) ? { ...spec, times: left } : spec] as const;
      });
      return Object.fromEntries(entries);
    },
    handle: (request) => handleFaults(catalogue, faults, request),
  };
  return faults;
}

async function handleFaults(catalogue: FaultCatalogue, faults: Faults, request: Request): Promise<Response> {
  if (request.method === "DELETE") {
    faults.clear(new URL(request.url).searchParams.get("name") ?? undefined);
  } else if (request.method === "PUT") {
    const body: unknown = await request.json().catch(() => undefined);
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      return refusal('Send an object such as {"name": {"mode": "..."}}.');
    }
    const wanted = Object.entries(body);
    const problems = wanted.map(([name, fault]) => (fault === null ? undefined : faultProblem(catalogue, name, fault)));
    const problem = problems.find((one) => one !== undefined);
    if (problem !== undefined) return refusal(problem);
    for (const [name, fault] of wanted) {
      if (fault === null) faults.clear(name);
      else faults.set(name, fault);
    }
  } else if (request.method !== "GET") {
    return Response.json({ detail: "Use GET, PUT or DELETE." }, { status: 405 });
  }
  return Response.json({ active: faults.active(), allowed: catalogue });
}

function faultProblem(catalogue: FaultCatalogue, name: string, fault: unknown): string | undefined {
  const known = catalogue[name];
  if (known === undefined) return `There is no fault "${name}". Known are: ${Object.keys(catalogue).join(", ")}.`;
  const error = Value.Errors(FaultSpec, fault).First();
  if (error !== undefined) return `The fault "${name}" is not right at "${error.path || "/"}": ${error.message}.`;
  const { mode } = fault as FaultSpec;
  if (!known.modes.includes(mode)) {
    return `The fault "${name}" has no mode "${mode}". Known are: ${known.modes.join(", ")}.`;
  }
  return undefined;
}

function refusal(detail: string): Response {
  return Response.json({ detail }, { status: 422 });
}

/** Numbers in [0, 1) that are the same for the same seed (the mulberry32 generator). */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
