/**
 * Floods an address with requests on fresh connections, as a proxy without keep-alive does: `bun flood-child.ts
 * '{"url", "token", "callers", "msMax"}'`, until its input ends. Prints how many were answered with each status.
 */
const order = JSON.parse(process.argv[2] ?? "{}") as { url: string; token: string; callers: number; msMax: number };
const end = performance.now() + order.msMax;
let isOver = false;
void Bun.stdin.text().then(() => {
  isOver = true;
});
const outcomes: Record<string, number> = {};

async function call(): Promise<void> {
  while (!isOver && performance.now() < end) {
    const outcome = await fetch(order.url, {
      headers: { authorization: `Bearer ${order.token}` },
      keepalive: false,
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      () => "cut",
    );
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: order.callers }, call));
process.stdout.write(JSON.stringify(outcomes));

export {};
