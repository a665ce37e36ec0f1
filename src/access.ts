/**
 * Who may call each route, in one table. Methods and paths are the router's, without a slash at
 * the end; a WebSocket's method is `WS`.
 *
 * - `anyone`: no sign-in is asked for. What such a route gives away or takes is therefore meant for everybody.
 * - `person`: a signed-in person who is not banned, and only what is theirs.
 * - `signature`: something in the address was signed or handed out by us and is itself the permission.
 */
export interface RouteAccess {
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "WS";
  path: string;
  access: "anyone" | "person" | "signature";
}

export const routeAccess: readonly RouteAccess[] = [
  { method: "GET", path: "/health/live", access: "anyone" },
  { method: "GET", path: "/health/ready", access: "anyone" },
  { method: "GET", path: "/openapi.json", access: "anyone" },
  { method: "GET", path: "/docs", access: "anyone" },
  { method: "GET", path: "/docs/:file", access: "anyone" },

  { method: "GET", path: "/api/v1/status", access: "anyone" },
  { method: "POST", path: "/api/v1/auth/telegram", access: "anyone" },
  { method: "POST", path: "/api/v1/auth/refresh", access: "anyone" },
  { method: "POST", path: "/api/v1/auth/logout", access: "person" },
  { method: "GET", path: "/api/v1/profile", access: "person" },
  { method: "PATCH", path: "/api/v1/profile", access: "person" },
  { method: "POST", path: "/api/v1/profile/consent", access: "person" },
  { method: "GET", path: "/api/v1/profile/export", access: "person" },
  { method: "DELETE", path: "/api/v1/profile", access: "person" },
  { method: "GET", path: "/api/v1/balance", access: "person" },
  { method: "GET", path: "/api/v1/balance/entries", access: "person" },
  { method: "GET", path: "/api/v1/plans", access: "anyone" },
  { method: "POST", path: "/api/v1/payments/create", access: "person" },
  { method: "GET", path: "/api/v1/payments", access: "person" },
  { method: "GET", path: "/api/v1/payments/:id", access: "person" },
  { method: "POST", path: "/api/v1/payments/webhook", access: "anyone" },
  { method: "GET", path: "/api/v1/subscription", access: "person" },
  { method: "GET", path: "/api/v1/subscription/change", access: "person" },
  { method: "POST", path: "/api/v1/subscription/change", access: "person" },
  { method: "POST", path: "/api/v1/subscription/cancel", access: "person" },
  { method: "POST", path: "/api/v1/subscription/resume", access: "person" },
  { method: "DELETE", path: "/api/v1/subscription/method", access: "person" },
  { method: "GET", path: "/api/v1/referrals", access: "person" },
  { method: "POST", path: "/api/v1/promo/redeem", access: "person" },
  { method: "POST", path: "/api/v1/fitting/upload", access: "person" },
  { method: "GET", path: "/api/v1/fitting/zones", access: "person" },
  { method: "POST", path: "/api/v1/fitting/generate", access: "person" },
  { method: "POST", path: "/api/v1/editing/upload", access: "person" },
  { method: "POST", path: "/api/v1/editing/chat", access: "person" },
  { method: "WS", path: "/api/v1/editing/chat", access: "signature" },
  { method: "POST", path: "/api/v1/editing/generate", access: "person" },
  { method: "POST", path: "/api/v1/editing/reset", access: "person" },
  { method: "GET", path: "/api/v1/editing/sessions", access: "person" },
  { method: "GET", path: "/api/v1/editing/sessions/:id", access: "person" },
  { method: "GET", path: "/api/v1/generations", access: "person" },
  { method: "GET", path: "/api/v1/generations/:id", access: "person" },
  { method: "DELETE", path: "/api/v1/generations/:id", access: "person" },
  { method: "POST", path: "/api/v1/generations/:id/cancel", access: "person" },
  { method: "POST", path: "/api/v1/generations/:id/retry", access: "person" },
  { method: "POST", path: "/api/v1/generations/:id/send", access: "person" },
  { method: "GET", path: "/api/v1/files/:token", access: "signature" },
  { method: "POST", path: "/api/v1/live/ticket", access: "person" },
  { method: "GET", path: "/api/v1/live/events", access: "person" },
  { method: "WS", path: "/api/v1/live", access: "signature" },
  { method: "POST", path: "/api/v1/telegram/webhook", access: "signature" },
  { method: "POST", path: "/api/v1/kie/callback/:secret", access: "signature" },
];
