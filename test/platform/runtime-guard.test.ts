import { expect, test } from "bun:test";
import { OperatorError } from "../../src/platform/errors.ts";
import { refuseRuntimeOptions } from "../../src/platform/runtime-guard.ts";

test("the compiled program refuses an environment that changes it, and names what to unset", () => {
  for (const name of ["BUN_OPTIONS", "BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_PRELOAD"]) {
    expect(() => refuseRuntimeOptions({ [name]: "--inspect=secret" }, true)).toThrow(OperatorError);
    expect(() => refuseRuntimeOptions({ [name]: "--inspect=secret" }, true)).toThrow(name);
    // What stands in it may be anything, and is not repeated.
    expect(() => refuseRuntimeOptions({ [name]: "--inspect=secret" }, true)).not.toThrow("secret");
  }
});

test("an ordinary environment, an empty value and a program run from its sources pass", () => {
  expect(() => refuseRuntimeOptions({ PATH: "/bin", NODE_ENV: "production" }, true)).not.toThrow();
  expect(() => refuseRuntimeOptions({ BUN_OPTIONS: "" }, true)).not.toThrow();
  expect(() => refuseRuntimeOptions({ BUN_OPTIONS: "--smol" }, false)).not.toThrow();
});
