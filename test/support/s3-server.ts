import { join } from "node:path";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** The one pair of keys that the server knows. */
export const S3_KEYS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
export const S3_REGION = "us-east-1";
/** Without a CORS rule, as a new bucket is. */
export const S3_BUCKET = "pictures";
/** With one that lets every origin read. */
export const S3_BUCKET_WITH_CORS = "pictures-with-cors";

let starting: Promise<number> | undefined;

/** The port of an S3 server that runs as long as this process; tests keep apart by the prefixes of their keys. */
export function s3ServerPort(): Promise<number> {
  starting ??= start();
  return starting;
}

async function start(): Promise<number> {
  const directory = makeTemporaryFolder("atelier-s3-");
  const input = { directory, bucket: S3_BUCKET, openBucket: S3_BUCKET_WITH_CORS };
  const child = Bun.spawn(
    [process.execPath, "--no-env-file", join(import.meta.dir, "s3-child.ts"), JSON.stringify(input)],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  // It ends by itself when its standard input does, which is when this process is gone.
  child.unref();
  const { value } = await child.stdout.getReader().read();
  return (JSON.parse(new TextDecoder().decode(value)) as { port: number }).port;
}
