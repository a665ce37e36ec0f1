/** The OpenTelemetry distribution for Node that `@elysiajs/opentelemetry` imports. */
const DISTRIBUTION = /^@opentelemetry\/sdk-node$/;
const CONTENTS = `export class NodeSDK {
  constructor() {
    throw new Error("the tracer must be in place before the framework's plugin is made");
  }
}`;

/**
 * Leaves the distribution out of the compiled program: the plugin makes one only where nobody has put a tracer in place,
 * and `platform/telemetry/traces.ts` always has. It would bring gRPC, protobuf and six exporters along.
 */
export const tracePlugin: Bun.BunPlugin = {
  name: "no OpenTelemetry distribution",
  setup(build) {
    build.onResolve({ filter: DISTRIBUTION }, ({ path }) => ({ path, namespace: "no-distribution" }));
    build.onLoad({ filter: /.*/, namespace: "no-distribution" }, () => ({ contents: CONTENTS, loader: "js" }));
  },
};
