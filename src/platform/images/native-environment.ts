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

/**
 * Lets native threads share this many heaps. By default glibc gives each thread one of its own, up to eight for each core, which
 * keep what a picture once needed. It has to be said before the threads begin. False where there is no glibc.
 */
export function limitNativeHeaps(count: number): boolean {
  try {
    const { symbols, close } = dlopen("libc.so.6", {
      mallopt: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    });
    const result = symbols.mallopt(M_ARENA_MAX, count);
    close();
    return result === 1;
  } catch {
    return false;
  }
}

function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}
