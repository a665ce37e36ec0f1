import { connect, createServer, type Server, type Socket } from "node:net";

/** A wire between a program and its database that can be disturbed. */
export interface TcpProxy {
  port: number;
  /** Connections that go through at this moment. */
  readonly size: number;
  /** Swallows everything in both directions, and lets new connections wait: as when a machine or a cable is gone. */
  blackhole(): void;
  /** Lets through again what comes from now on; what was swallowed is lost, and so are the connections of that time. */
  heal(): void;
  /** Swallows only what these connections say from now on, by the port that they come from; the others stay as they are. */
  silence(ports: readonly number[]): void;
  /** Breaks all connections off. */
  cut(): void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  isSilent: boolean;
}

/** Listens on a port of its own and passes everything on to `target` on this machine. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let isBlack = false;
  const accept = (client: Socket) => {
    const server = connect({ host: "127.0.0.1", port: target });
    const pair: Pair = { client, server, isSilent: isBlack };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (bytes) => {
        if (!pair.isSilent) to.write(bytes);
      });
      from.on("error", end);
      from.on("close", () => {
        // Somebody who is cut off from the other is not told that the other is gone.
        if (!pair.isSilent || from === client) end();
      });
    }
  };
  const listener: Server = createServer(accept);
  await new Promise<void>((ready) => listener.listen(0, "127.0.0.1", ready));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");

  return {
    port: address.port,
    get size() {
      return pairs.size;
    },
    blackhole() {
      isBlack = true;
      for (const pair of pairs) pair.isSilent = true;
    },
    heal() {
      isBlack = false;
    },
    silence(ports) {
      for (const pair of pairs) if (ports.includes(pair.server.localPort ?? 0)) pair.isSilent = true;
    },
    cut() {
      for (const { client, server } of [...pairs]) {
        client.destroy();
        server.destroy();
      }
    },
    close() {
      for (const { client, server } of [...pairs]) {
        client.destroy();
        server.destroy();
      }
      return new Promise((closed) => listener.close(() => closed()));
    },
  };
}
