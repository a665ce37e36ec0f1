import { expect, test } from "bun:test";
import { withoutOutsiders } from "../../src/commands/serve.ts";

test("a sandbox is watched by collectors of this machine only: nothing leaves it", () => {
  const here = { SENTRY_DSN: "http://key@127.0.0.1:9000/1", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
  expect(withoutOutsiders(here)).toEqual(here);
  const elsewhere = {
    SENTRY_DSN: "https://key@sentry.example.org/1",
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example.org",
  };
  expect(withoutOutsiders(elsewhere)).toEqual({ SENTRY_DSN: "", OTEL_EXPORTER_OTLP_ENDPOINT: "" });
});
