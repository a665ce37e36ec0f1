/** What a sign-in gives; the pair belongs together and changes together. */
export interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** Where the app keeps its tokens. */
export interface TokenStore {
  read(): Tokens | null;
  /** Null when the session has ended: sign in again. */
  write(tokens: Tokens | null): void;
}

/** How a request goes out. */
export type Fetcher = (address: string, init?: RequestInit) => Promise<Response>;

/**
 * Sends requests with the access token. A refresh token works once, and one that comes a second time ends the session;
 * so however many requests meet an expired token at once, one exchange is made and all wait for it.
 */
export function signing(baseUrl: string, send: Fetcher, store: TokenStore): Fetcher {
  let exchanging: Promise<void> | undefined;
  const exchange = async (refreshToken: string) => {
    const response = await send(new URL("/api/v1/auth/refresh", baseUrl).href, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refresh_token: refreshToken }),
    });
    if (response.ok) store.write((await response.json()) as Tokens);
    else if (response.status === 401 || response.status === 403) store.write(null);
  };
  return async (address: string, init: RequestInit = {}): Promise<Response> => {
    const used = store.read();
    const response = await send(address, signed(init, used));
    if (response.status !== 401 || used === null || isSignIn(address)) return response;
    if (store.read()?.access_token === used.access_token) {
      exchanging ??= exchange(used.refresh_token).finally(() => {
        exchanging = undefined;
      });
      await exchanging;
    }
    const fresh = store.read();
    return fresh === null || fresh.access_token === used.access_token ? response : send(address, signed(init, fresh));
  };
}

function signed(init: RequestInit, tokens: Tokens | null): RequestInit {
  const headers = new Headers(init.headers);
  if (tokens !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${tokens.access_token}`);
  return { ...init, headers };
}

/** A 401 of these says something about what was sent with it, not about the access token. */
function isSignIn(address: string): boolean {
  return /\/auth\/(telegram|refresh)$/.test(new URL(address).pathname);
}
