/** A machine that the program can be compiled for. */
export interface BuildTarget {
  /** Bun's name of it, as `--target` takes it. */
  bun: Bun.Build.CompileTarget;
  /** How sharp's packages of prebuilt native code are named for it: `@img/sharp-<name>`, `@img/sharp-libvips-<name>`. */
  sharp: string;
}

/**
 * Sharp's prebuilt code for glibc needs glibc 2.28 (Debian 10, Ubuntu 20.04, RHEL 8) or newer and libstdc++; for musl, musl 1.2.5
 * (`statx`) and the libstdc++ of GCC 13, which Alpine has since 3.20.
 * The macOS ones are for trying things out at home.
 */
export const BUILD_TARGETS: readonly BuildTarget[] = [
  { bun: "bun-linux-x64", sharp: "linux-x64" },
  { bun: "bun-linux-arm64", sharp: "linux-arm64" },
  { bun: "bun-linux-x64-musl", sharp: "linuxmusl-x64" },
  { bun: "bun-linux-arm64-musl", sharp: "linuxmusl-arm64" },
  { bun: "bun-darwin-x64", sharp: "darwin-x64" },
  { bun: "bun-darwin-arm64", sharp: "darwin-arm64" },
];

/** One file of a release. */
export interface ReleaseTarget {
  target: BuildTarget;
  /** The end of the file's name: `atelier-<version>-<name>`. */
  name: string;
  /** npm's package of the Bun that becomes part of the file. */
  runtime: string;
  /** What `bun install` calls this machine. */
  machine: { os: string; cpu: string; libc: string };
}

/**
 * What is released. For x64 it is Bun's baseline: the other one dies with "illegal instruction" on the many rented machines
 * whose processor is shown without AVX2, while sharp and so we ask for x86-64-v2 only.
 */
export const RELEASE_TARGETS: readonly ReleaseTarget[] = [
  {
    target: targetNamed("bun-linux-x64"),
    name: "linux-x64",
    runtime: "@oven/bun-linux-x64-baseline",
    machine: { os: "linux", cpu: "x64", libc: "glibc" },
  },
  {
    target: targetNamed("bun-linux-arm64"),
    name: "linux-arm64",
    runtime: "@oven/bun-linux-aarch64",
    machine: { os: "linux", cpu: "arm64", libc: "glibc" },
  },
  {
    target: targetNamed("bun-linux-x64-musl"),
    name: "linux-x64-musl",
    runtime: "@oven/bun-linux-x64-musl-baseline",
    machine: { os: "linux", cpu: "x64", libc: "musl" },
  },
  {
    target: targetNamed("bun-linux-arm64-musl"),
    name: "linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
    machine: { os: "linux", cpu: "arm64", libc: "musl" },
  },
];

/** The target with that name. Throws a sentence that lists the names. */
export function targetNamed(name: string): BuildTarget {
  const target = BUILD_TARGETS.find((candidate) => candidate.bun === name);
  if (target) return target;
  throw new Error(`There is no target ${name}; there are ${BUILD_TARGETS.map(({ bun }) => bun).join(", ")}.`);
}

/** The target that is this very machine. */
export function hostTarget(): BuildTarget {
  const libc = process.platform === "linux" && runsOnMusl() ? "-musl" : "";
  return targetNamed(`bun-${process.platform}-${process.arch}${libc}`);
}

/** Whether this process was linked against musl: its loader is then mapped under a name like /lib/ld-musl-x86_64.so.1. */
function runsOnMusl(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime === undefined;
}
