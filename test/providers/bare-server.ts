import net from "node:net";

export interface BareServer {
  url: string;
  /** The requests as they came in, at least their first bytes. */
  hits: string[];
  close(): void;
}

/** A server of bare bytes: once a request has come, `answer` does with the connection what it likes. */
export async function bareServer(answer: (socket: net.Socket, request: string) => unknown): Promise<BareServer> {
  const hits: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (data) => {
      hits.push(String(data));
      answer(socket, String(data));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    hits,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
