import { buildInfo } from "./build/build-info.ts";
import type { ApiDescription } from "./platform/http/openapi.ts";

const EXAMPLE_ERRORS = [{ path: "/body/zone", message: "Expected required property" }];

/** What no route can say about the API as a whole: for `/openapi.json`, `/docs` and docs/openapi.json. */
export const apiDescription: ApiDescription = {
  info: {
    title: "atelier",
    version: buildInfo.version,
    summary: "Virtual try-on and editing by talking, in a Telegram Mini App.",
    description: [
      "JSON in and out (UTF-8); times are ISO 8601 in UTC, ids are UUIDv7.",
      "**Sign in** with Telegram's `initData` at `POST /api/v1/auth/telegram`, then send `Authorization: Bearer <access_token>`. The access token lasts 30 minutes; `POST /api/v1/auth/refresh` gives the next pair.",
      "**Refusals** are `application/problem+json` (RFC 9457). Decide by `code`, show `detail` to the person: it is in their language. 429 and 503 say in `Retry-After` when to come back.",
      "**Repeating safely**: send an `Idempotency-Key` with every POST that costs or moves something. The same key and body give the first answer again for 24 hours, marked `Idempotency-Replayed: true`.",
      "**Lists** are pages: ask again with `cursor` set to the last answer's `next_cursor` until that is null.",
      "**Limits**: each person has a bucket of 2000 tokens that gains 50 a second; a request takes 1 (reading), 5 (writing), 10 (an upload), 20 (signing in, trying a code) or 50 (ordering). `RateLimit` says how many are left. Signed-out requests share their network's bucket. An address has at most 8192 characters (414 `address_too_long`), a JSON body 64 KiB (413 `body_too_large`). The character NUL stands in neither (404 `not_found`, 400 `malformed_body`).",
      "**Pages elsewhere** may read answers where the server's owner allows their origin; then `X-Request-Id`, `Retry-After`, `RateLimit`, `Idempotency-Replayed` and `Content-Disposition` can be read too. There are no cookies.",
      "**Request numbers**: each answer carries `X-Request-Id`; a client may send its own (8 to 64 letters, digits, `_`, `.` or `-`).",
    ].join("\n\n"),
    contact: { name: "Whoever runs this server" },
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/", description: "The server that this description came from." }],
  tags: [
    { name: "sign-in", description: "Signing in with Telegram, staying signed in, signing out." },
    { name: "profile", description: "The signed-in person." },
    { name: "balance", description: "Credits, free actions and how they came to be." },
    { name: "referrals", description: "The invitation link, and what it brought." },
    { name: "promo", description: "Codes that give credits or days of a plan." },
    { name: "fitting", description: "Trying things on: photos, zones, orders." },
    { name: "editing", description: "Changing a photo by talking to an assistant: photo, conversation, order." },
    { name: "payments", description: "What is sold, orders, and the payment provider's notices." },
    { name: "generations", description: "The person's pictures: made, in work, failed." },
    { name: "files", description: "Pictures by signed link." },
    { name: "live", description: "What happens, as it happens: over a socket or a long poll." },
    { name: "admin", description: "The owner's panel. For operators only." },
    { name: "providers", description: "For the services behind the product; not for clients." },
    { name: "health", description: "For balancers and monitors." },
  ],
  securitySchemes: {
    bearerAuth: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "The `access_token` of a sign-in. It lasts 30 minutes.",
    },
    telegramInitData: {
      type: "apiKey",
      in: "header",
      name: "Authorization",
      description: "`tma ` and then Telegram's `initData` unchanged, for signing in without a body.",
    },
    telegramWebhookSecret: {
      type: "apiKey",
      in: "header",
      name: "X-Telegram-Bot-Api-Secret-Token",
      description: "What `setWebhook` was given (`TELEGRAM_WEBHOOK_SECRET`).",
    },
    liveTicket: {
      type: "apiKey",
      in: "query",
      name: "ticket",
      description: "The `ticket` of `POST /api/v1/live/ticket`: opens one socket, within 30 seconds, once.",
    },
  },
  prefix: "/api/v1",
  problemMembers: {
    errors: {
      type: "array",
      description: "`validation_failed`: which parts of the request are not right, and why.",
      items: {
        title: "FieldError",
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
        additionalProperties: false,
      },
    },
    field: { type: "string", description: "Which of the uploaded photos is meant." },
    retry_after: { type: "integer", minimum: 1, description: "Seconds, as in the header." },
    required: { type: "integer", description: "`insufficient_credits`: what it costs." },
    available: { type: "integer", description: "`insufficient_credits`: what can be spent now." },
    reserved: { type: "integer", description: "`insufficient_credits`: what is held for pictures in work." },
    free_actions_left: { type: "integer", description: "`insufficient_credits`: free actions of this month." },
    renews_at: { type: "string", format: "date-time", description: "When free actions come back." },
    offers: {
      type: "array",
      description: "`insufficient_credits`: packs and plans that would be enough.",
      items: {
        title: "Offer",
        type: "object",
        required: ["key", "credits", "price_kopecks"],
        properties: {
          key: { type: "string" },
          credits: { type: "integer", minimum: 1 },
          price_kopecks: { type: "integer", minimum: 1 },
        },
        additionalProperties: false,
      },
    },
    terms_version: {
      type: ["string", "null"],
      description: "`consent_required`, `terms_changed`: the version in force.",
    },
    terms_url: {
      type: ["string", "null"],
      description: "`consent_required`, `terms_changed`: where the text stands.",
    },
    reason: {
      type: "string",
      description: "`generation_unavailable`: maintenance, provider_down or provider_out_of_credits.",
    },
    notice: {
      type: "object",
      description: "`generation_unavailable` in maintenance: the owner's own words, where there are any.",
      required: ["ru", "en"],
      properties: { ru: { type: ["string", "null"] }, en: { type: ["string", "null"] } },
      additionalProperties: false,
    },
  },
  problemExamples: {
    validation_failed: { errors: EXAMPLE_ERRORS },
    insufficient_credits: {
      required: 2,
      available: 1,
      reserved: 0,
      free_actions_left: 0,
      renews_at: "2026-03-31T21:00:00.000Z",
      offers: [{ key: "pack_20", credits: 20, price_kopecks: 14_900 }],
    },
    rate_limited: { retry_after: 2 },
    consent_required: { terms_version: "2026-11-01", terms_url: "https://app.example.org/terms" },
    terms_changed: { terms_version: "2026-11-01", terms_url: "https://app.example.org/terms" },
    too_many_active_generations: { active: 5, limit: 5, retry_after: 10 },
    generation_unavailable: { reason: "provider_down", retry_after: 30 },
    busy: { retry_after: 5 },
    request_in_progress: { retry_after: 1 },
  },
};
