import { dlopen, FFIType } from "bun:ffi";

/** The C library under the names of glibc and of musl. */
const C_LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

/**
 * Sets an environment variable for native libraries. Bun keeps `process.env` to itself: what is set there later is not
 * seen by getenv(3). Answers false, with nothing set, where the C library cannot be reached.
 */
export function setNativeEnvironment(name: string, value: string): boolean {
  for (const library of C_LIBRARIES) {
    try {
      const { symbols, close } = dlopen(library, {
        setenv: { args: [FFIType.cstring, FFIType.cstring, FFIType.int], returns: FFIType.int },
      });
      const result = symbols.setenv(terminated(name), terminated(value), 1);
      close();
      return result === 0;
    } catch {
      // Not under this name.
    }
  }
  return false;
}

/** mallopt(3) of glibc. */
const M_ARENA_MAX = -8;

/** As many as pictures are usually worked on at once. */
const NATIVE_HEAPS_MAX = 2;

/**
 * Lets native threads share two heaps. By default glibc gives each thread one of its own, up to eight for each core, which keep
 * what a picture once needed, 40 MB each. Heaps that are there already stay with their threads, and a server that has opened its
 * database has four of them: a server says it first of all. Takes 0.2 ms. False where there is no glibc.
 */
export function limitNativeHeaps(): boolean {
  try {
    const { symbols, close } = dlopen("libc.so.6", {
      mallopt: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    });
    const result = symbols.mallopt(M_ARENA_MAX, NATIVE_HEAPS_MAX);
    close();
    return result === 1;
  } catch {
    return false;
  }
}

function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}
