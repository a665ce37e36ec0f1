import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";

/**
 * A pooler in transaction mode, as PgBouncer is one: each transaction of a client runs on the session that is next in
 * turn, so that whatever relies on the session of the transaction before meets another one. Clients are let in without a
 * password; start parameters that a pooler cannot keep are refused with PgBouncer's words.
 */
export interface TransactionPooler {
  /** The same address through the pooler. */
  url: string;
  /** How many transactions each session ran. */
  readonly transactions: readonly number[];
  close(): Promise<void>;
}

/** Those that PgBouncer tracks; it refuses every other one. */
const PARAMETERS = ["user", "database", "client_encoding", "application_name", "DateStyle", "TimeZone"];
const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;

/** A session of the server, lent to one client for one transaction at a time. */
interface Backend {
  socket: Socket;
  /** Who uses it now. */
  client: Client | null;
  transactions: number;
}

interface Client {
  socket: Socket;
  backend: Backend | null;
  /** Messages that wait for a session. */
  waiting: Buffer[];
}

export async function startTransactionPooler(databaseUrl: string, sessions = 3): Promise<TransactionPooler> {
  const target = new URL(databaseUrl);
  const backends = await Promise.all(Array.from({ length: sessions }, () => openBackend(target, release)));
  const queue: Client[] = [];
  const clients = new Set<Socket>();
  let next = 0;

  function release(backend: Backend): void {
    const { client } = backend;
    if (client) client.backend = null;
    backend.client = null;
    serve();
  }
  const lend = (): Backend | undefined => {
    for (let tries = 0; tries < backends.length; tries += 1) {
      const backend = backends[next % backends.length];
      next += 1;
      if (backend?.client === null) return backend;
    }
    return undefined;
  };
  const serve = () => {
    while (queue.length > 0) {
      const backend = lend();
      const client = backend && queue.shift();
      if (!backend || !client) return;
      backend.client = client;
      backend.transactions += 1;
      client.backend = backend;
      for (const message of client.waiting.splice(0)) backend.socket.write(message);
    }
  };
  const take = (client: Client, message: Buffer) => {
    if (message[0] === 0x58) return void client.socket.end();
    if (client.backend) return void client.backend.socket.write(message);
    client.waiting.push(message);
    if (!queue.includes(client)) queue.push(client);
    serve();
  };

  const server = createServer((socket) => {
    const client: Client = { socket, backend: null, waiting: [] };
    clients.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      clients.delete(socket);
      // What it left undone is undone; a session with an open transaction must not go to another.
      client.backend?.socket.write(query("rollback"));
    });
    socket.on(
      "data",
      reader(
        (message) => take(client, message),
        (start) => welcome(socket, start),
      ),
    );
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as { port: number };
  const url = new URL(databaseUrl);
  url.port = String(port);
  return {
    url: url.toString(),
    get transactions() {
      return backends.map((backend) => backend.transactions);
    },
    close() {
      for (const socket of clients) socket.destroy();
      for (const { socket } of backends) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

/** Splits a stream into messages. With `onStart` the first one has no type; it says whether it was the last of that kind. */
function reader(onMessage: (message: Buffer) => void, onStart?: (start: Buffer) => boolean) {
  let rest: Buffer = Buffer.alloc(0);
  let isStarting = onStart !== undefined;
  return (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const head = isStarting ? 0 : 1;
      if (rest.length < head + 4) return;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      if (isStarting) isStarting = !onStart?.(message);
      else onMessage(message);
    }
  };
}

/** Answers the beginning of a client; true once it may speak. */
function welcome(socket: Socket, start: Buffer): boolean {
  const code = start.readUInt32BE(4);
  if (code === SSL_REQUEST) {
    socket.write("N");
    return false;
  }
  if (code === CANCEL_REQUEST) {
    socket.end();
    return true;
  }
  const words = start.subarray(8).toString("utf8").split("\0");
  const unknown = words.find((word, place) => place % 2 === 0 && word !== "" && !PARAMETERS.includes(word));
  if (unknown !== undefined) {
    const fields = `SFATAL\0C08P01\0Munsupported startup parameter: ${unknown}\0\0`;
    socket.end(message("E", Buffer.from(fields)));
    return true;
  }
  socket.write(
    Buffer.concat([
      message("R", number(0)),
      message("S", Buffer.from("client_encoding\0UTF8\0")),
      message("K", Buffer.concat([number(1), number(1)])),
      message("Z", Buffer.from("I")),
    ]),
  );
  return true;
}

/** A session with the server, which asks for a password by SCRAM. */
function openBackend(target: URL, onFree: (backend: Backend) => void): Promise<Backend> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(target.port) });
    const backend: Backend = { socket, client: null, transactions: 0 };
    const login = scram(decodeURIComponent(target.password));
    let isReady = false;
    const onMessage = (part: Buffer) => {
      const type = String.fromCharCode(part[0] ?? 0);
      if (isReady) {
        backend.client?.socket.write(part);
        // Idle: the transaction is over, and the session goes to whoever is next.
        if (type === "Z" && part[5] === 0x49) onFree(backend);
        return;
      }
      if (type === "E") reject(new Error(part.toString("utf8")));
      if (type === "R") {
        const answer = login(part.readUInt32BE(5), part.subarray(9).toString("utf8"));
        if (answer) socket.write(answer);
      }
      if (type === "Z") {
        isReady = true;
        resolve(backend);
      }
    };
    socket.on("error", reject);
    socket.on("data", reader(onMessage));
    const words = ["user", decodeURIComponent(target.username), "database", target.pathname.slice(1), "", ""];
    const body = Buffer.concat([number(196608), Buffer.from(words.join("\0"))]);
    socket.write(Buffer.concat([number(body.length + 4), body]));
  });
}

/** The client's side of SCRAM-SHA-256 (RFC 7677), as answers to the server's requests. */
function scram(password: string): (code: number, text: string) => Buffer | null {
  const nonce = randomBytes(18).toString("base64");
  const first = `n=,r=${nonce}`;
  const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  return (code, text) => {
    if (code === 10) {
      const begin = Buffer.from(`n,,${first}`);
      return message("p", Buffer.concat([Buffer.from("SCRAM-SHA-256\0"), number(begin.length), begin]));
    }
    if (code !== 11) return null;
    const { r, s, i } = Object.fromEntries(text.split(",").map((pair) => [pair[0], pair.slice(2)]));
    const salted = pbkdf2Sync(password, Buffer.from(s ?? "", "base64"), Number(i), 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const last = `c=biws,r=${r}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), `${first},${text},${last}`);
    const proof = Buffer.from(clientKey.map((byte, place) => byte ^ (signature[place] ?? 0)));
    return message("p", Buffer.from(`${last},p=${proof.toString("base64")}`));
  };
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), number(body.length + 4), body]);
}

function query(statement: string): Buffer {
  return message("Q", Buffer.from(`${statement}\0`));
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
