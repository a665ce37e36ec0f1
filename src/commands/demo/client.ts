import { OperatorError } from "../../platform/errors.ts";

/** The few calls of the public API that the demo makes, as any front-end would. */
export interface DemoClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  upload<T>(path: string, files: Record<string, Blob>): Promise<T>;
  bytes(url: string): Promise<Uint8Array>;
  /** Opens the live socket; calls `onFrame` with each frame. Returns how to close it. */
  live(onFrame: (frame: { type: string; data?: Record<string, unknown> }) => void): Promise<() => void>;
  /** One turn with the assistant over its socket; resolves with the turn's last frame. What `onFrame` throws ends it. */
  chat(message: Record<string, unknown>, onFrame: (frame: Record<string, unknown>) => void): Promise<void>;
}

/** Signs a made-up person in at a sandbox server and talks for them. */
export async function signInDemo(baseUrl: string, telegramId: number): Promise<DemoClient> {
  const launch = await fetch(`${baseUrl}/sandbox/init-data?telegram_id=${telegramId}&first_name=Demo`);
  const { init_data } = (await launch.json()) as { init_data: string };
  const signedIn = await answerOf<{ access_token: string }>(
    await fetch(`${baseUrl}/api/v1/auth/telegram`, { method: "POST", headers: { authorization: `tma ${init_data}` } }),
  );
  const headers = { authorization: `Bearer ${signedIn.access_token}` };
  const call = async <T>(path: string, init: RequestInit = {}): Promise<T> =>
    answerOf<T>(await fetch(`${baseUrl}/api/v1${path}`, { ...init, headers: { ...headers, ...init.headers } }));
  /** Opens a socket with a one-use ticket, so that the token stands in no address. */
  const open = async (path: string): Promise<WebSocket> => {
    const { ticket } = await call<{ ticket: string }>("/live/ticket", { method: "POST" });
    const socket = new WebSocket(`${baseUrl.replace(/^http/, "ws")}/api/v1${path}?ticket=${ticket}`);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new OperatorError(`The socket ${path} could not be opened.`));
    });
    return socket;
  };
  return {
    get: (path) => call(path),
    post: (path, body) =>
      call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    upload(path, files) {
      const form = new FormData();
      for (const [name, file] of Object.entries(files)) form.set(name, file);
      return call(path, { method: "POST", body: form });
    },
    async bytes(url) {
      const response = await fetch(url);
      if (!response.ok) throw new OperatorError(`A picture could not be fetched: ${response.status}`);
      return response.bytes();
    },
    async live(onFrame) {
      const socket = await open("/live");
      socket.onmessage = (message) => onFrame(JSON.parse(String(message.data)));
      return () => socket.close();
    },
    async chat(message, onFrame) {
      const socket = await open("/editing/chat");
      try {
        await new Promise<void>((resolve, reject) => {
          socket.onclose = () => reject(new OperatorError("The socket closed before the assistant had answered."));
          socket.onmessage = ({ data }) => {
            const frame = JSON.parse(String(data)) as Record<string, unknown>;
            try {
              onFrame(frame);
            } catch (error) {
              reject(error);
            }
            if (frame.type === "done") resolve();
          };
          socket.send(JSON.stringify({ ...message, type: "message", id: crypto.randomUUID() }));
        });
      } finally {
        socket.onclose = null;
        socket.close();
      }
    },
  };
}

async function answerOf<T>(response: Response): Promise<T> {
  const answer = (await response.json()) as T & { code?: string; detail?: string };
  if (!response.ok) throw new OperatorError(`The API refused: ${answer.detail ?? response.status} (${answer.code})`);
  return answer;
}
