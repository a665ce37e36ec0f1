import { OperatorError } from "./errors.ts";

/** Read by the runtime inside the compiled file, before any line of ours: they load code or open a debugger's port. */
const RUNTIME_NAMES = ["BUN_OPTIONS", "BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_PRELOAD"] as const;

/**
 * Throws an `OperatorError` where the environment changes the compiled program. By then it has been obeyed, and whoever
 * sets a program's environment holds its secrets anyway; this is for the one that was inherited from a developer's shell,
 * which would otherwise open a debugger on a server and be noticed by nobody.
 */
export function refuseRuntimeOptions(
  environment: Readonly<Record<string, string | undefined>>,
  isCompiled: boolean,
): void {
  const given = isCompiled ? RUNTIME_NAMES.filter((name) => (environment[name] ?? "") !== "") : [];
  if (given.length === 0) return;
  throw new OperatorError(
    `${given.join(" and ")} would change this program from outside (load code, open a debugger). Unset ${given.length === 1 ? "it" : "them"} and start again.`,
  );
}
