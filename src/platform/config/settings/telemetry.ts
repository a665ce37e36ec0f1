import { LOG_LEVELS } from "../../telemetry/log.ts";
import { address, choice, list, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** Metrics, traces, reports of bugs and the log. */
export const telemetrySettings = {
  METRICS_PORT: wholeNumber({
    text: "The port of Prometheus metrics (/metrics) and of this process's health, in every role; 0: none.",
    default: 0,
    min: 0,
    max: 65_535,
  }),
  METRICS_HOST: words({
    text: "The address of that listener; it has no password, so keep it on loopback or a private network.",
    default: "127.0.0.1",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: address({
    text: "Traces go to this OpenTelemetry collector, as OTLP over HTTP with JSON; without it there are none.",
    default: "",
    example: "http://127.0.0.1:4318",
  }),
  OTEL_EXPORTER_OTLP_HEADERS: list({
    text: "Headers that the collector asks for.",
    default: [],
    example: "authorization=Bearer your-key",
    secret: true,
    each: /^[\w-]+=[^,\r\n]+$/,
    expectation: "a comma list of name=value",
  }),
  TRACES_PERCENT: wholeNumber({
    text: "How many of a hundred requests are traced, each with all its jobs.",
    default: 100,
    min: 0,
    max: 100,
  }),
  SENTRY_DSN: words({
    text: "Bugs are reported to this Sentry project, without messages, requests or people; without it nowhere.",
    default: "",
    example: "https://your-key@sentry.example.org/1",
    secret: true,
    pattern: /^https?:\/\/\w+(:\w+)?@[\w.:[\]-]+(\/[\w-]+)*\/\d+$/,
    expectation: "a DSN such as https://key@sentry.example.org/1",
  }),
  SENTRY_ENVIRONMENT: words({
    text: "The environment that reports name.",
    default: "production",
    pattern: /^[\w.-]{1,64}$/,
    expectation: "1 to 64 letters, digits, dots, dashes or underscores",
  }),
  LOG_LEVEL: choice({ text: "How much is logged.", default: "info", among: LOG_LEVELS }),
  LOG_FORMAT: choice({
    text: "One JSON object a line, or readable lines; `auto` is readable at a terminal.",
    default: "auto",
    among: ["auto", "json", "pretty"],
  }),
} as const satisfies SettingsPart;
