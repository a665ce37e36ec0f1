import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

/** SLOW_CLIENTS takes more of each kind, for a run by hand. */
const EACH = Number(process.env.SLOW_CLIENTS ?? 100);
/** What a request of others may take meanwhile. */
const OTHERS_MS_MAX = within(200, 3_000);
/** Bun gives headers so long from the first byte; a body of ours is given 15 s, and an idle connection a minute. */
const HEADERS_MS_MAX = 14_000;
const MEMORY_MIB_MAX = 60;
const BODIES_PER_NETWORK = 64;

const HOST = "Host: app.example.org\r\n";
const bodyHead = `POST /api/v1/auth/refresh HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n`;

/** A connection that sends its beginning, then a byte a second for as long as it is open. */
function slowClient(
  port: number,
  beginning: string,
  drop = "",
): { socket: Socket; isOpen(): boolean; heard(): string } {
  let isOpen = true;
  let heard = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(beginning));
  const timer = drop === "" ? undefined : setInterval(() => socket.writable && socket.write(drop), 1_000);
  socket.on("data", (bytes) => {
    heard += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isOpen = false;
    clearInterval(timer);
  });
  return { socket, isOpen: () => isOpen, heard: () => heard };
}

const memoryMib = (pid: number) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

test("F11 hundreds of idle, half-open and trickling connections, and readers that stop, change nothing for others", async () => {
  const deployment = await deploy();
  const server = await deployment.start("all");
  const port = Number(new URL(deployment.url).port);
  const person = await signInAt(deployment.url);
  const photos = await person.photos();
  expect(photos).toBeDefined();
  const memoryBefore = memoryMib(server.pid);

  const many = (beginning: string, drop?: string) =>
    Array.from({ length: EACH }, () => slowClient(port, beginning, drop));
  const silent = many("");
  const halfHeads = many(`GET /health/live HTTP/1.1\r\n${HOST}A: `, "x");
  const idle = many(`GET /health/live HTTP/1.1\r\n${HOST}\r\n`);
  const bodies = many(bodyHead, " ");
  // Ask for some ten megabytes each, and read nothing.
  const stopped = Array.from({ length: 20 }, () =>
    slowClient(port, `GET /openapi.json HTTP/1.1\r\n${HOST}\r\n`.repeat(60)),
  );
  for (const { socket } of stopped) socket.pause();
  const startedAt = performance.now();

  const times: number[] = [];
  const lookAtOthers = async (path: string, options = {}) => {
    const askedAt = performance.now();
    const answer = await person.request(path, options);
    await answer.arrayBuffer();
    times.push(performance.now() - askedAt);
    return answer.status;
  };
  await until(() => idle.every(({ heard }) => heard().startsWith("HTTP/1.1 200")), "the idle ones were answered");
  // Some of the bodies were sent away at once, since one network may have so many on their way; the others are awaited.
  const sentAway = () => bodies.filter(({ heard }) => heard().startsWith("HTTP/1.1 503")).length;
  await until(() => sentAway() === EACH - BODIES_PER_NETWORK, "those beyond a network's share were sent away");
  while (performance.now() - startedAt < HEADERS_MS_MAX) {
    expect(await lookAtOthers("/balance")).toBe(200);
    expect(await lookAtOthers("/generations")).toBe(200);
    await Bun.sleep(250);
  }
  expect(memoryMib(server.pid) - memoryBefore).toBeLessThan(MEMORY_MIB_MAX);
  // Whoever does not come to the point is cut off, however steadily it trickles; an idle connection may be used again.
  const isCutOff = ({ isOpen }: { isOpen(): boolean }) => !isOpen();
  await until(() => [...halfHeads, ...silent].every(isCutOff), "those who say nothing whole were cut off");
  expect(idle.filter(({ isOpen }) => isOpen())).toHaveLength(EACH);
  const givenUp = () => bodies.filter(({ heard }) => heard().startsWith("HTTP/1.1 408")).length;
  await until(() => givenUp() === BODIES_PER_NETWORK, "the bodies that trickle in were given up");
  expect(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.9)]).toBeLessThan(OTHERS_MS_MAX);
  for (const { socket } of [...silent, ...halfHeads, ...idle, ...bodies, ...stopped]) socket.destroy();
  expect(await lookAtOthers("/balance")).toBe(200);
  await deployment.close();
}, 120_000);
