import { EXECUTED_MODES, TRANSPORT_MODES } from "./disturb.ts";
import type { FaultCatalogue } from "./faults.ts";

/** An answer of kie.ai that refuses a call. */
export interface KieRefusal {
  code: number;
  msg: string;
}

const refusal = (code: number, msg: string): KieRefusal => ({ code, msg });

/** The refusals in kie.ai's own words. Code 500 says three different things and is told apart by its text alone. */
export const REFUSALS = {
  "400": refusal(400, "The request parameters are incorrect"),
  "401": refusal(
    401,
    "Unauthorized – Authentication failed. Please check that your Authorization and Content-Type headers are correctly set.",
  ),
  "402": refusal(402, "Insufficient Credits"),
  "404": refusal(404, "Not found"),
  "408": refusal(408, "Upstream timeout"),
  "422": refusal(
    422,
    "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.",
  ),
  "429": refusal(429, "Rate limit exceeded"),
  "433": refusal(433, "The usage of this key exceeds its limit"),
  "451": refusal(451, "The input image could not be downloaded"),
  "455": refusal(455, "This interface is temporarily paused."),
  "500": refusal(500, "Server exception, please try again later or contact customer service"),
  "500_parameter": refusal(500, "aspect_ratio is not within the range of allowed options"),
  "500_credits": refusal(
    500,
    "Credits insufficient : Your current balance isn't enough to run this request. Please top up to continue.",
  ),
  "500_paused": refusal(500, "This interface is temporarily paused."),
  "500_file_type": refusal(500, "File type not supported"),
  "501": refusal(501, "Generation failed"),
  "505": refusal(505, "This feature is disabled"),
} as const satisfies Record<string, KieRefusal>;

/** `code_429` says it in the body under HTTP 200, as kie.ai does; `http_429` says it in both. */
const REFUSAL_MODES = Object.keys(REFUSALS).flatMap((key) => [`code_${key}`, `http_${key}`]);
const CALL_MODES = [...TRANSPORT_MODES, ...REFUSAL_MODES];

/** The refusal behind a mode, and whether HTTP says it too. */
export function refusalOf(mode: string): (KieRefusal & { mirrored: boolean }) | undefined {
  const key = mode.replace(/^(code|http)_/, "");
  if (!REFUSAL_MODES.includes(mode) || !(key in REFUSALS)) return undefined;
  return { ...REFUSALS[key as keyof typeof REFUSALS], mirrored: mode.startsWith("http_") };
}

/** How a task can be made to end; each is a marker in the prompt as well: `sandbox:moderated`. */
export const OUTCOMES = [
  "moderated",
  "content_policy",
  "content_400",
  "prohibited",
  "filtered",
  "transient",
  "refused",
  "input_unreachable",
  "upstream_timeout",
  "no_urls",
  "empty_result",
  "foreign_result",
  "private_result",
  "bad_cost",
  "nan_cost",
  "never",
  "slow",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What can go wrong with a callback; as a marker: `sandbox:callback_missing`. */
export const CALLBACK_MODES = [
  "missing",
  "late",
  "duplicate",
  "before_reply",
  "wrong_signature",
  "stale_timestamp",
  "unsigned",
  "other_urls",
  "signature_page",
] as const;
export type CallbackMode = (typeof CALLBACK_MODES)[number];

export const KIE_FAULTS: FaultCatalogue = {
  "kie.create": {
    about:
      "createTask. executed_* and half_body make the task and lose the answer; no_task_id makes it and hides its id.",
    modes: [...CALL_MODES, ...EXECUTED_MODES, "no_task_id"],
  },
  "kie.query": {
    about: "recordInfo. queuing and unknown_state replace the state of a running task.",
    modes: [...CALL_MODES, "record_null", "http_404_task", "queuing", "unknown_state"],
  },
  "kie.credit": { about: "chat/credit.", modes: [...CALL_MODES, "negative", "not_a_number"] },
  "kie.upload": { about: "The three upload calls.", modes: [...CALL_MODES, ...EXECUTED_MODES] },
  "kie.result": {
    about: "Downloads of results.",
    modes: [
      ...TRANSPORT_MODES,
      "http_404",
      "http_500",
      "http_503",
      "html",
      "garbage",
      "too_large",
      "endless",
      "redirect_once",
      "redirect_loop",
      "redirect_private",
      "redirect_foreign",
    ],
  },
  "kie.outcome": { about: "How the next task ends. delayMs is the extra time of slow.", modes: OUTCOMES },
  "kie.callback": { about: "The next task's callback. delayMs is the wait of late.", modes: CALLBACK_MODES },
  "kie.shape": {
    about: "The shape of task records; september is the default.",
    modes: ["april", "september", "documentation"],
  },
  "kie.lag": { about: "The next task is unknown to recordInfo for delayMs (500 by default).", modes: ["record_null"] },
  "kie.pace": { about: "Tasks take delayMs from create to end.", modes: ["pace"] },
  "kie.status": { about: "HTTP says what the code says, for every refusal.", modes: ["mirror"] },
  "kie.account": { about: "No credits left, in either of the two wordings.", modes: ["empty_402", "empty_500"] },
  "kie.limits": { about: "Switches the limits of creates and queries off.", modes: ["off"] },
  "kie.edge": {
    about: "The edge in front of all hosts: blocks everybody, or whoever names no agent of its own.",
    modes: ["edge_1010", "edge_502", "default_agents"],
  },
};
