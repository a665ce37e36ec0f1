import type { Import } from "./imports.ts";

/** Lower ones come first; each part imports only those below it. */
const LAYERS = ["platform", "providers", "context", "features", "assembly", "roles", "commands", "main"] as const;
type Layer = (typeof LAYERS)[number];

/**
 * Files at the root of `src` by layer. `assembly` is what ties the features together: the routes and what describes them,
 * the jobs, the schedule, the tables.
 */
const ROOT_FILES: Readonly<Record<string, Layer>> = {
  "src/main.ts": "main",
  "src/context.ts": "context",
};

/** A feature imports only those of lower rank. */
const FEATURE_RANKS: Readonly<Record<string, number>> = {
  maintenance: 0,
  profile: 0,
  audit: 1,
  notifications: 1,
  auth: 2,
  billing: 2,
  photos: 2,
  generations: 3,
  referrals: 3,
  promo: 3,
  editing: 4,
  fitting: 4,
  live: 4,
  privacy: 5,
  admin: 6,
};

const GUARD = "src/features/auth/guard.ts";

/** Where the dialect may be asked for. `src/build` knows it as a type only: it makes the migrations of both. */
const MAY_ASK_DIALECT = /^src\/platform\/(db\/|queue\/claim\.ts$)/;
const MAY_USE_DRIVERS = /^src\/platform\/(db\/|single-server-lock\.ts$)/;
const MAY_USE_SHARP = /^src\/(platform\/images|build)\//;
const MAY_USE_ELYSIA =
  /^src\/(platform\/(http|live)\/|features\/[a-z]+\/([a-z]+\/)?([a-z]+-)?(routes|schemas)\.ts$|features\/auth\/(guard|tokens)\.ts$|routes\.ts$|client\.ts$)/;
/** The demonstration is a sandbox with a command in front of it. */
const MAY_USE_SANDBOX = /^src\/(sandbox\/|commands\/(serve|sandbox|demo|demo\/[a-z]+)\.ts$|build\/)/;

/** What runs in the browser. Everything that it imports is sent to whoever opens the page. */
const PAGE = /^src\/web\/[a-z]+\//;
const PAGE_MAY_KNOW = /^src\/(web\/[a-z]+\/|client\.ts$)/;
const MAY_DRAW = /^(preact|react|uplot|@telegram-apps\/|@tma\.js\/)/;

const DRIVERS = /^(postgres|bun:sqlite|drizzle-orm\/.+)$/;
const ELYSIA = /^(elysia|@elysiajs\/)/;

/** What is wrong with an import, as a sentence, or null. */
export function fault(found: Import): string | null {
  const { file, target } = found;
  if (!target.startsWith("src/")) return packageFault(found);
  if (PAGE.test(file) && !PAGE_MAY_KNOW.test(target)) return "a page knows the typed client and nothing of the server";
  if (PAGE.test(target) && !PAGE.test(file)) return "pages are bundled and sent, not imported";
  if (target.startsWith("src/sandbox/")) {
    return MAY_USE_SANDBOX.test(file) ? null : "the sandbox is for its commands and the tests";
  }
  if (file.startsWith("src/sandbox/")) {
    const allowed = /^src\/(platform\/|providers\/[a-z]+\/wire\.ts$)/.test(target);
    return allowed ? null : "the sandbox knows the platform and the providers' wire formats only";
  }
  if (target === "src/platform/db/dialect.ts" && !MAY_ASK_DIALECT.test(file) && !isBuild(found)) {
    return "only platform/db and the claim look at the dialect";
  }
  if (file.startsWith("src/build/")) return null;
  if (target.startsWith("src/build/")) {
    return target === "src/build/build-info.ts" ? null : "what builds the program is no part of it";
  }
  return layerFault(file, target) ?? featureFault(file, target) ?? providerFault(file, target);
}

function isBuild({ file, typeOnly }: Import): boolean {
  return file.startsWith("src/build/") && typeOnly;
}

function packageFault({ file, target }: Import): string | null {
  if (target === "sharp" && !MAY_USE_SHARP.test(file)) return "only platform/images uses sharp";
  if (ELYSIA.test(target) && !MAY_USE_ELYSIA.test(file)) return "HTTP belongs into routes, not into the domain";
  if (MAY_DRAW.test(target) && !PAGE.test(file)) return "what draws pages stays in them";
  if (DRIVERS.test(target) && !MAY_USE_DRIVERS.test(file)) return "only platform/db knows the database drivers";
  if (target.startsWith("drizzle/") && file !== "src/context.ts") return "only the context knows the migrations";
  if (/^(test|bench|docs)\//.test(target)) return "the program knows nothing of what is around it";
  return null;
}

function layerOf(path: string): Layer {
  const folder = /^src\/([a-z]+)\//.exec(path)?.[1];
  const layer = LAYERS.find((name) => name === folder);
  // The web pages are served by the routes and know nothing but their addresses.
  return layer ?? ROOT_FILES[path] ?? "assembly";
}

function layerFault(file: string, target: string): string | null {
  const [from, to] = [layerOf(file), layerOf(target)];
  return LAYERS.indexOf(to) <= LAYERS.indexOf(from) ? null : `${from} must not know ${to}`;
}

function featureFault(file: string, target: string): string | null {
  const [feature, name] = partsOf(target);
  if (feature === undefined) return null;
  const [ownFeature, ownName] = partsOf(file);
  if (feature === ownFeature) return null;
  if (ownFeature === undefined) return layerOf(file) === "assembly" ? assemblyFault(name) : indexFault(name);
  if (target === GUARD) return ownName === "routes.ts" ? null : "the guard stands in routes only";
  const [ownRank, rank] = [FEATURE_RANKS[ownFeature], FEATURE_RANKS[feature]];
  if (ownRank === undefined || rank === undefined)
    return `"${ownFeature}" or "${feature}" has no rank among the features`;
  if (rank >= ownRank) return `${ownFeature} must not know ${feature}`;
  // References between tables; their files hold nothing else, and drizzle-kit loads them alone.
  if (ownName === "tables.ts" && name === "tables.ts") return null;
  // What only routes need stays out of the index, so that the domain does not load Elysia.
  if (ownName === "routes.ts" && (name === "schemas.ts" || name === "upload-gate.ts")) return null;
  return indexFault(name);
}

function indexFault(name: string | undefined): string | null {
  return name === "index.ts" ? null : "another feature is entered through its index.ts";
}

/** `routes.ts`, `jobs.ts`, `tables.ts` and the like take the same-named part of each feature. */
function assemblyFault(name: string | undefined): string | null {
  const known = ["index.ts", "routes.ts", "schemas.ts", "tables.ts", "guard.ts", "upload-gate.ts"];
  return known.includes(name ?? "") ? null : "what ties features together takes their index, routes and tables only";
}

/** Features speak to a provider through the context; its files give them types and the meaning of answers. */
function providerFault(file: string, target: string): string | null {
  const own = /^src\/providers\/([a-z]+)\//.exec(file)?.[1];
  const other = /^src\/providers\/([a-z]+)\//.exec(target)?.[1];
  if (own !== undefined && other !== undefined && own !== other) return "a provider knows nothing of another";
  const isWire = target.endsWith("/wire.ts");
  return isWire && own === undefined ? "wire formats stay inside the provider's folder" : null;
}

/**
 * The feature and which of its parts a file is. A large feature has folders, each named by a noun; where it has many
 * routes or tables, `payment-routes.ts` is to payments what `routes.ts` is to the feature.
 */
function partsOf(path: string): [feature: string | undefined, name: string | undefined] {
  const [, feature, name] = /^src\/features\/([a-z]+)\/(?:[a-z]+\/)?(.+)$/.exec(path) ?? [];
  return [feature, name?.replace(/^[a-z]+-(routes|schemas|tables)\.ts$/, "$1.ts")];
}

/** Circles of files that import each other when they run, each as `a -> b -> a`. */
export function circles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { file, target, typeOnly } of imports) {
    if (!typeOnly && target.startsWith("src/")) targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}
