import { createHash, createHmac } from "node:crypto";
import { S3_KEYS } from "./s3-server.ts";

/**
 * Whether a request's `Authorization` is right by the rules of AWS Signature Version 4. The S3 server of the tests leaves
 * the slash behind a bucket's name out of what it signs, which is not the path that was sent, so lists are checked here.
 */
export function isSignedRight(method: string, url: string, headers: Readonly<Record<string, string>>): boolean {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  const [, keyId, day = "", region = "", signed = "", signature] = found ?? [];
  if (keyId !== S3_KEYS.accessKeyId || !signed.split(";").includes("host")) return false;
  const [path = "", query = ""] = url.split("?");
  const canonical = [
    method,
    path,
    query.split("&").toSorted().join("&"),
    ...signed.split(";").map((name) => `${name}:${headers[name] ?? ""}`),
    "",
    signed,
    headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD",
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash].join("\n");
  let key: Buffer | string = `AWS4${S3_KEYS.secretAccessKey}`;
  for (const part of [day, region, "s3", "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  return createHmac("sha256", key).update(toSign).digest("hex") === signature;
}
