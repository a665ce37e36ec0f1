import { join } from "node:path";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { findDebianPeers } from "./debian-peers.ts";
import { freePort } from "./free-port.ts";
import { settled } from "./shop.ts";

const CODE_FOLDER = join(import.meta.dir, "peer");

/** The old stack's upload: FastAPI and Pillow. */
export interface OldPictures {
  /** Sends one photo; answers how many bytes were kept of it. */
  upload(photo: Uint8Array<ArrayBuffer>): Promise<number>;
  base: string;
  /** Of somebody who may upload. */
  token: string;
  stop(): Promise<void>;
}

/**
 * Two processes of uvicorn (`OLD_STACK_WORKERS` for another number), one for each core of a small machine, since its parser of
 * forms holds Python's lock. Null where the old stack is not to be had.
 */
export async function runOldPictures(): Promise<OldPictures | null> {
  const peers = findDebianPeers();
  if (!peers) return null;
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const command = ["-m", "uvicorn", "old_pictures:app", "--port", String(port), "--no-access-log"];
  const workers = process.env.OLD_STACK_WORKERS ?? "2";
  const server = Bun.spawn([peers.python, ...command, "--log-level", "warning", "--workers", workers], {
    env: {
      ...peers.environment,
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      PYTHONDONTWRITEBYTECODE: "1",
      JWT_SECRET: "a-secret-of-the-bench-which-is-32-bytes-long",
      PICTURES_FOLDER: makeTemporaryFolder("old-pictures-"),
    },
    cwd: CODE_FOLDER,
    stdout: "ignore",
    stderr: "inherit",
  });
  const isThere = async () => (await fetch(`${base}/openapi.json`).catch(() => null))?.ok === true;
  await settled(isThere, "the old stack's upload answers");
  const signedIn = await fetch(`${base}/sign-in`, { method: "POST" });
  const { token } = (await signedIn.json()) as { token: string };
  return {
    base,
    token,
    async upload(photo) {
      const body = new FormData();
      body.set("user_photo", new File([photo], "photo.jpg", { type: "image/jpeg" }));
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${base}/upload`, { method: "POST", headers, body });
      if (answer.status !== 201) throw new Error(`the old stack answered ${answer.status}: ${await answer.text()}`);
      return ((await answer.json()) as { bytes: number }).bytes;
    },
    async stop() {
      server.kill("SIGTERM");
      await server.exited;
    },
  };
}
