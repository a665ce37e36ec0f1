import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { startPostgresServer } from "../support/postgres-server.ts";

const START_DEADLINE_MS = 40_000;
const GONE_WITHIN_MS = 15_000;

test(
  "the throw-away Postgres survives restarts with its data and leaves nothing when stopped",
  async () => {
    const server = await startPostgresServer({ own: true });
    try {
      await ask(server.url, (sql) => sql`create table kept (n int)`);
      await ask(server.url, (sql) => sql`insert into kept values (7)`);
      await server.restart({ mode: "fast" });
      await server.restart({ mode: "immediate" });
      expect(await ask(server.url, (sql) => sql`select n from kept`)).toEqual([{ n: 7 }]);
    } finally {
      await server.stop();
    }
    expect(existsSync(server.dataFolder ?? "")).toBe(false);
    await expect(ask(server.url, (sql) => sql`select 1`)).rejects.toThrow("ECONNREFUSED");
  },
  START_DEADLINE_MS,
);

test(
  "the throw-away Postgres goes even when the test process is killed",
  async () => {
    const support = join(import.meta.dir, "../support/postgres-server.ts");
    const script = `
    import { startPostgresServer } from ${JSON.stringify(support)};
    const { url, dataFolder } = await startPostgresServer({ own: true });
    console.log(JSON.stringify({ url, dataFolder }));
    process.kill(process.pid, "SIGKILL");`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    const { url, dataFolder } = JSON.parse(await new Response(child.stdout).text()) as {
      url: string;
      dataFolder: string;
    };
    await child.exited;
    const deadline = Date.now() + GONE_WITHIN_MS;
    while (existsSync(dirname(dataFolder)) && Date.now() < deadline) await Bun.sleep(50);
    expect(existsSync(dirname(dataFolder))).toBe(false);
    await expect(ask(url, (sql) => sql`select 1`)).rejects.toThrow("ECONNREFUSED");
  },
  START_DEADLINE_MS,
);

async function ask(url: string, query: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<unknown> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return await query(sql);
  } finally {
    await sql.end();
  }
}
