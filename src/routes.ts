import { Elysia } from "elysia";
import { apiDescription } from "./api-description.ts";
import type { Context } from "./context.ts";
import { adminRoutes } from "./features/admin/routes.ts";
import { guard } from "./features/auth/guard.ts";
import { createAccessTokens } from "./features/auth/index.ts";
import { authRoutes } from "./features/auth/routes.ts";
import { isFromProvider, paymentRoutes, planRoutes } from "./features/billing/payments/payment-routes.ts";
import { balanceRoutes } from "./features/billing/routes.ts";
import { subscriptionRoutes } from "./features/billing/subscriptions/subscription-routes.ts";
import { editingRoutes } from "./features/editing/routes.ts";
import { fittingRoutes } from "./features/fitting/routes.ts";
import { generationRoutes, isFromKie, kieRoutes } from "./features/generations/routes.ts";
import { liveRoutes } from "./features/live/routes.ts";
import { statusRoutes } from "./features/maintenance/routes.ts";
import { isFromTelegram, telegramRoutes, UPDATE_BYTES_MAX } from "./features/notifications/routes.ts";
import { fileRoutes } from "./features/photos/routes.ts";
import { createUploadGate } from "./features/photos/upload-gate.ts";
import { privacyRoutes } from "./features/privacy/routes.ts";
import { profileRoutes } from "./features/profile/routes.ts";
import { promoRoutes } from "./features/promo/routes.ts";
import { bindNewcomer } from "./features/referrals/index.ts";
import { referralRoutes } from "./features/referrals/routes.ts";
import { browserHeaders } from "./platform/http/browser-headers.ts";
import { addressReader, type Connections, trustedProxiesFrom } from "./platform/http/client-address.ts";
import { answerHeaders } from "./platform/http/cross-origin.ts";
import { apiDocs } from "./platform/http/docs-page.ts";
import { door } from "./platform/http/door.ts";
import { type HealthCheck, health } from "./platform/http/health.ts";
import { createRequestsInHand } from "./platform/http/in-hand.ts";
import { createMethodTable } from "./platform/http/method-table.ts";
import { describeRoutes } from "./platform/http/openapi.ts";
import { originRule } from "./platform/http/origins.ts";
import { problems } from "./platform/http/problem.ts";
import { createRateLimiter } from "./platform/http/rate-limit.ts";
import { requestScope } from "./platform/http/request-scope.ts";
import type { TracingPlugin } from "./platform/http/trace-requests.ts";
import { webPages } from "./platform/http/web-pages.ts";
import { UPLOAD_BYTES_MAX } from "./platform/images/index.ts";
import { createLiveHub } from "./platform/live/hub.ts";
import { createPanelHints } from "./platform/live/panel-hints.ts";
import { createLivePresence } from "./platform/live/presence.ts";
import { createSignOuts } from "./platform/live/sign-outs.ts";
import { createLiveSockets, UNREAD_BYTES_MAX } from "./platform/live/socket.ts";
import { presignedOrigins } from "./platform/storage/presigned-origins.ts";
import { webBundle } from "./web/bundle.ts";
import { WEB_PAGES } from "./web/page-list.ts";

/** Buckets of people and addresses kept in memory at once. */
const RATE_ENTRIES_MAX = 100_000;
const UPDATES_PATH = "/api/v1/telegram/webhook";

export interface AppOptions {
  /** Answers everything below `/sandbox/`, where the sandbox runs. */
  sandbox?: ((request: Request) => Promise<Response>) | undefined;
  healthChecks: readonly HealthCheck[];
  isStopping: () => boolean;
  /** Makes spans of requests, where traces are on. */
  tracing?: TracingPlugin | undefined;
  /** Milliseconds between two heartbeats of a live socket, for tests that cannot wait for one. */
  heartbeatMs?: number;
}

/** The HTTP app: platform plugins in their order, then one line for each feature. */
export function createApp(ctx: Context, options: AppOptions) {
  const tokens = createAccessTokens(ctx.settings.JWT_SECRET, ctx.clock);
  const limiter = createRateLimiter({ clock: ctx.clock, entriesMax: RATE_ENTRIES_MAX });
  const addressOf = addressReader(
    trustedProxiesFrom(ctx.settings.TRUSTED_PROXIES),
    (): Connections | null => base.server,
  );
  const guarded = guard({
    ctx,
    tokens,
    limiter,
    addressOf,
    isFrom: {
      kie: ({ request }) => isFromKie(ctx, request),
      telegram: ({ request }) => isFromTelegram(ctx, request),
      yookassa: ({ address }) => isFromProvider(ctx, address),
    },
  });
  const uploads = createUploadGate();
  const hub = createLiveHub(ctx);
  const signOuts = createSignOuts(ctx.wakeUps, ctx.log);
  const methods = createMethodTable();
  const inHand = createRequestsInHand();
  const mayRead = originRule(ctx.settings);
  const headersOf = answerHeaders(browserHeaders(ctx.settings), mayRead);
  const sockets = createLiveSockets(hub, ctx.log, options.heartbeatMs, createLivePresence(ctx), createPanelHints(ctx));

  const base = new Elysia({
    normalize: false,
    // No answer of ours is written down in another form than it is described in: checking it is enough.
    encodeSchema: false,
    websocket: {
      maxPayloadLength: 64 * 1024,
      backpressureLimit: UNREAD_BYTES_MAX,
      closeOnBackpressureLimit: true,
      idleTimeout: 120,
    },
  })
    .use(door({ headersOf, inHand, uploadBytesMax: UPLOAD_BYTES_MAX }))
    .use(
      requestScope({
        addressOf,
        isStopping: options.isStopping,
        headersOf,
        inHand,
        jsonBytesMax: (request, path) =>
          path === UPDATES_PATH && isFromTelegram(ctx, request) ? UPDATE_BYTES_MAX : undefined,
        watchers: ctx.telemetry,
      }),
    );
  // After the scope, and so around it: what comes later wraps what came before.
  if (options.tracing) base.use(options.tracing);
  const app = base
    .use(problems(ctx.log, methods, ctx.telemetry.faults))
    .use(health(options.healthChecks, options.isStopping))
    .group("/api/v1", (api) =>
      api
        .use(statusRoutes(guarded, { isSandbox: options.sandbox !== undefined }))
        .use(authRoutes(guarded, tokens, bindNewcomer))
        .use(profileRoutes(guarded))
        .use(balanceRoutes(guarded))
        .use(planRoutes(guarded))
        .use(paymentRoutes(guarded))
        .use(subscriptionRoutes(guarded))
        .use(referralRoutes(guarded))
        .use(promoRoutes(guarded))
        .use(fittingRoutes(guarded, uploads))
        .use(editingRoutes(guarded, ctx, { hub, uploads, signOuts }))
        .use(generationRoutes(guarded))
        .use(fileRoutes(guarded))
        .use(telegramRoutes(guarded))
        .use(liveRoutes(guarded, ctx, { hub, sockets, signOuts }))
        .use(privacyRoutes(guarded))
        .use(adminRoutes(guarded, tokens))
        .use(kieRoutes(guarded)),
    );
  // Apart from the chain above, so that describing the app does not enter into its type.
  app.use(apiDocs({ title: "atelier API", describe: () => describeRoutes(app.routes, apiDescription) }));
  app.use(
    webPages(
      WEB_PAGES.map(({ path }) => path),
      webBundle,
      presignedOrigins(ctx.settings),
    ),
  );
  const { sandbox } = options;
  if (sandbox) {
    app.all("/sandbox/*", ({ request, body }) => sandbox(unread(request, body)), {
      parse: "none",
      detail: { hide: true },
    });
  }
  methods.fill(app.routes);
  return { app, hub, sockets, signOuts };
}

/** The same request for who reads its body themselves: JSON has been read by then, whatever a route says. */
function unread(request: Request, body: unknown): Request {
  if (!request.bodyUsed) return request;
  return new Request(request.url, { method: request.method, headers: request.headers, body: JSON.stringify(body) });
}

/** The app's type, for the typed client. */
export type App = ReturnType<typeof createApp>["app"];
