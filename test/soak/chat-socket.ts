import { at, persist, type Resident } from "./resident.ts";

interface Frame {
  type: string;
  id?: string;
  code?: string;
  turn_id?: string;
  session_id?: string;
  variants?: { id: string }[];
}

/** A turn ends within so long, or the message is sent again over another socket. */
const SOCKET_MS_MAX = 25_000;
const TRIES_MAX = 4;

/**
 * Says something over a socket, and again under the same id over another one where that broke. Resolves with how it ended:
 * `done`, the code of a refusal, or `unanswered`.
 */
export async function sayOverSocket(
  resident: Resident,
  message: { id: string; content: string; photo_id?: string; session_id?: string },
  accepted: (turnId: string, sessionId: string) => void,
): Promise<string> {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const ticket = await persist(resident, "/live/ticket", { method: "POST" });
    if (ticket?.status !== 200) return `ticket ${ticket?.status}`;
    const end = await once(resident, (ticket.json() as { ticket: string }).ticket, message, accepted);
    if (end !== "broken") return end;
    resident.town.happened.add("socket of a conversation broke, said again");
    await Bun.sleep(200 + resident.random() * 1_000);
  }
  return "unanswered";
}

function once(
  resident: Resident,
  ticket: string,
  message: Record<string, string>,
  accepted: (turnId: string, sessionId: string) => void,
): Promise<string> {
  const address = `${at(resident).url.replace("http", "ws")}/api/v1/editing/chat?ticket=${ticket}`;
  const socket = new WebSocket(address);
  return new Promise((resolve) => {
    const timer = setTimeout(() => end("broken"), SOCKET_MS_MAX);
    const end = (how: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(how);
    };
    // Now and then the phone loses the network in the middle of an answer.
    const losesIt = resident.random() < 0.1;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type === "hello") socket.send(JSON.stringify({ type: "message", ...message }));
      if (frame.type === "accepted") {
        accepted(frame.turn_id ?? "", frame.session_id ?? "");
        if (losesIt) end("broken");
      }
      if (frame.type === "variants") resident.variants = (frame.variants ?? []).map(({ id }) => id);
      if (frame.type === "done") end("done");
      if (frame.type === "error") end(frame.code ?? "error");
    };
    socket.onclose = () => end("broken");
    socket.onerror = () => end("broken");
  });
}
