import { join, resolve } from "node:path";
import { createConfig, lintFromString, type NormalizedProblem } from "@redocly/openapi-core";
import { describeApi, openApiText } from "../commands/openapi.ts";

/**
 * `bun run openapi:check`: docs/openapi.json is what the router says, and Redocly's recommended rules find nothing in it,
 * neither errors nor warnings.
 */

const projectFolder = resolve(import.meta.dir, "../..");
const KEPT_FILE = "docs/openapi.json";

/** Rules of Redocly's beyond the recommended ones. */
const STRICTER = {
  "operation-4xx-problem-details-rfc7807": "error",
  "operation-singular-tag": "error",
  "operation-tag-defined": "error",
  "request-mime-type": { severity: "error", allowedValues: ["application/json", "multipart/form-data"] },
} as const;

/** Findings that are right as they are, each with its reason. One that is no longer found is itself a fault. */
const ACCEPTED: ReadonlyArray<{ rule: string; at: string; reason: string }> = [
  ...["/api/v1/live", "/api/v1/editing/chat"].map((path) => ({
    rule: "operation-2xx-response",
    at: responsesOf(path),
    reason: "a socket answers 101 Switching Protocols",
  })),
  ...["/health/live", "/health/ready"].map((path) => ({
    rule: "operation-4xx-response",
    at: responsesOf(path),
    reason: "takes nothing that could be wrong and asks nobody who they are",
  })),
];

function responsesOf(path: string): string {
  return `#/paths/${path.replaceAll("/", "~1")}/get/responses`;
}

/** What is to be mended, as sentences; none when all is well. `kept` is the text of docs/openapi.json, null without one. */
export async function openApiFaults(text: string, kept: string | null): Promise<string[]> {
  const isKept = kept === text;
  const config = await createConfig({ extends: ["recommended"], rules: STRICTER });
  const problems = await lintFromString({ source: text, absoluteRef: "openapi.json", config });
  const found = problems.map((problem) => ({ problem, at: problem.location[0]?.pointer ?? "#/" }));
  const isAccepted = ({ problem, at }: (typeof found)[number]) =>
    ACCEPTED.some((one) => one.rule === problem.ruleId && at.startsWith(one.at));
  const surplus = ACCEPTED.filter(
    (one) => !found.some(({ problem, at }) => one.rule === problem.ruleId && at.startsWith(one.at)),
  );
  return [
    ...(isKept ? [] : [`${KEPT_FILE} is not what the router says. Run: bun src/main.ts openapi --out ${KEPT_FILE}`]),
    ...found.filter((one) => !isAccepted(one)).map(({ problem, at }) => sentence(problem, at)),
    ...surplus.map((one) => `${one.rule} is accepted at ${one.at}, but no longer found there`),
  ];
}

function sentence(problem: NormalizedProblem, at: string): string {
  return `${problem.severity} ${problem.ruleId} at ${at}: ${problem.message}`;
}

if (import.meta.main) {
  const file = Bun.file(join(projectFolder, KEPT_FILE));
  const kept = (await file.exists()) ? await file.text() : null;
  const faults = await openApiFaults(openApiText(describeApi()), kept);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length === 0) process.stdout.write(`${KEPT_FILE} is what the router says, and the linter finds nothing\n`);
  process.exit(faults.length === 0 ? 0 : 1);
}
