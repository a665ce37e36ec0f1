import { KIE_PATHS } from "../providers/kie/wire.ts";
import { disturbTransport, edgeBlock } from "./disturb.ts";
import type { Faults } from "./faults.ts";
import { createKieAnswers, type KieAnswers } from "./kie-answers.ts";
import { type CreateCounts, carryOutCreate, tally } from "./kie-create.ts";
import { REFUSALS } from "./kie-faults.ts";
import { carryOutCredit, carryOutDownloadUrl, carryOutQuery, specialQueryAnswer } from "./kie-query.ts";
import type { KieRunOptions } from "./kie-run.ts";
import { acceptUpload } from "./kie-uploads.ts";

/** Agents that say nothing but which runtime they are; the real edge refuses some of these. */
const DEFAULT_AGENT = /^(Bun|node|undici|python|Go-http|axios)/i;
const UPLOAD_CALLS: readonly string[] = [KIE_PATHS.uploadStream, KIE_PATHS.uploadBase64, KIE_PATHS.uploadUrl];

export interface KieCounts {
  creates: CreateCounts;
  queries: number;
  uploads: number;
}

/** The three hosts, each as one function from a request to its answer. */
export interface KieApi {
  counts: KieCounts;
  call(request: Request): Promise<Response>;
  upload(request: Request): Promise<Response>;
  files(request: Request): Promise<Response>;
}

type ApiOptions = KieRunOptions & { apiKey: string };

/** The calls of the three hosts. Errors come as HTTP 200 with a code in the body, unless a switch says otherwise. */
export function createKieApi(options: ApiOptions): KieApi {
  const counts: KieCounts = { creates: { accepted: 0, refused: {}, disturbed: {} }, queries: 0, uploads: 0 };
  const answers = createKieAnswers(options.faults);
  const authorized = (request: Request): boolean => request.headers.get("authorization") === `Bearer ${options.apiKey}`;
  return {
    counts,
    async call(request) {
      const blocked = await atTheEdge(request, options.faults);
      if (blocked !== undefined) return blocked;
      return authorized(request) ? route(request, options, answers, counts) : answers.refuse(REFUSALS["401"]);
    },
    async upload(request) {
      const blocked = await atTheEdge(request, options.faults);
      if (blocked !== undefined) return blocked;
      const refuse = (code: number, msg: string): Response => answers.refuse({ code, msg }, { upload: true });
      if (!authorized(request)) return refuse(401, "Authentication failed: Invalid API Key");
      if (!UPLOAD_CALLS.includes(new URL(request.url).pathname)) return refuse(404, "Not found");
      if (request.method !== "POST") return refuse(405, "Method not allowed");
      counts.uploads += 1;
      return answers.underStrike(options.faults.strike("kie.upload"), request, async () => {
        const answer = await acceptUpload(request, options);
        if ("msg" in answer) return refuse(answer.code, answer.msg);
        return Response.json({ success: true, code: 200, msg: "File uploaded successfully", data: answer });
      });
    },
    async files(request) {
      return (await atTheEdge(request, options.faults)) ?? options.files.serve(request);
    },
  };
}

async function route(request: Request, options: ApiOptions, answers: KieAnswers, counts: KieCounts): Promise<Response> {
  const { faults } = options;
  const needs = { ...options, answers, counts: counts.creates };
  // The names of 2025 are still in use by some clients.
  const path = new URL(request.url).pathname.replace("/api/v1/playground/", "/api/v1/jobs/");
  switch (`${request.method} ${path}`) {
    case `POST ${KIE_PATHS.createTask}`: {
      const strike = faults.strike("kie.create");
      if (strike !== undefined) tally(counts.creates.disturbed, strike.mode);
      return answers.underStrike(strike, request, () => carryOutCreate(request, strike, needs));
    }
    case `GET ${KIE_PATHS.recordInfo}`: {
      counts.queries += 1;
      const strike = faults.strike("kie.query");
      const carryOut = async (): Promise<Response> => carryOutQuery(request, strike, needs);
      return answers.underStrike(strike, request, carryOut, (mode) => specialQueryAnswer(mode, answers));
    }
    case `GET ${KIE_PATHS.credit}`: {
      const strike = faults.strike("kie.credit");
      return answers.underStrike(strike, request, async () => carryOutCredit(strike, needs));
    }
    case `POST ${KIE_PATHS.downloadUrl}`:
      return carryOutDownloadUrl(request, needs);
    default:
      return answers.refuse(REFUSALS["404"], { mirrored: true });
  }
}

/** What stands in front of all three hosts; undefined when it lets the request through. */
async function atTheEdge(request: Request, faults: Faults): Promise<Response | undefined> {
  const strike = faults.strike("kie.edge");
  if (strike === undefined) return undefined;
  if (strike.mode !== "default_agents") return disturbTransport(strike, request, async () => new Response(null));
  const agent = request.headers.get("user-agent") ?? "";
  return agent === "" || DEFAULT_AGENT.test(agent) ? edgeBlock() : undefined;
}
