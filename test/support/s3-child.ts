import crypto from "node:crypto";
import fs from "node:fs";
import S3rver from "@20minutes/s3rver";

/** An S3 server as a process of its own: its work must not be on the clock of what is tested. Prints its port as JSON. */
const { directory, bucket, openBucket } = JSON.parse(process.argv[2] ?? "") as Record<string, string>;

/** What a bucket needs so that Telegram in a browser may save by a presigned link. */
const CORS = `<CORSConfiguration><CORSRule>
  <AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader>
</CORSRule></CORSConfiguration>`;

/*
 * It hides the place in a list behind DES, which no current OpenSSL has, so every list of more than one page would be a
 * 500. Another cipher does as well: the token means something to this server alone.
 */
const twice = (bytes: Uint8Array) => Buffer.concat([bytes, bytes]);
for (const name of ["createCipheriv", "createDecipheriv"] as const) {
  const own = crypto[name] as (algorithm: string, key: Uint8Array, iv: Uint8Array) => never;
  crypto[name] = ((algorithm: string, key: Uint8Array, iv: Uint8Array) =>
    algorithm === "des" ? own("aes-128-cbc", twice(key), twice(iv)) : own(algorithm, key, iv)) as never;
}

// It goes on in a list by the order of names, which Node's readdir gives and Bun's does not.
const readInAnyOrder = fs.readdirSync as (folder: string) => string[];
fs.readdirSync = ((folder: string) => readInAnyOrder(folder).sort()) as never;

const { port } = await new S3rver({
  address: "127.0.0.1",
  port: 0,
  directory: directory ?? "",
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket ?? "" }, { name: openBucket ?? "", configs: [CORS] }],
}).run();
process.stdout.write(`${JSON.stringify({ port })}\n`);
// Whoever started this is gone.
process.stdin.on("end", () => process.exit(0)).resume();
