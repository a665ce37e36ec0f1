import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../clock.ts";
import { invariant, OperatorError } from "../errors.ts";
import { isId } from "../ids.ts";

/** What a link opens: `view` is for the owner's client, `provider` lets a model provider fetch an input picture. */
export type LinkPurpose = "view" | "provider";

export interface FileLink {
  fileId: string;
  ownerId: string;
  purpose: LinkPurpose;
  /** The link is dead from this moment on. */
  expiresAt: Date;
  /** Offered as a file to save rather than shown. */
  download: boolean;
}

export interface LinkSigner {
  /** A token of 84 URL-safe characters for one file, owner and purpose. Ids are UUIDs. */
  sign(link: Omit<FileLink, "download"> & { download?: boolean }): string;
  /** What the token was signed for; null when altered, expired, signed by an unknown secret or for another purpose. */
  verify(token: string, purpose?: LinkPurpose): FileLink | null;
}

const SECRET_BYTES_MIN = 32;

/*
 * The token's bytes: kind (1), expiry in Unix milliseconds (6), file id (16), owner id (16), MAC (24). 63 bytes are
 * exactly 84 characters of base64url without spare bits, so no second spelling of a token exists. 192 bits of
 * HMAC-SHA-256 are far beyond guessing.
 */
const EXPIRY_OFFSET = 1;
const FILE_ID_OFFSET = 7;
const OWNER_ID_OFFSET = 23;
const MAC_OFFSET = 39;
const MAC_BYTES = 24;
const ID_BYTES = 16;
const TOKEN = /^[A-Za-z0-9_-]{84}$/;
const EXPIRY_MS_MAX = 2 ** 48 - 1;

/** Purposes and their codes in the token; codes never change meaning. */
const PURPOSE_CODES = { view: 1, provider: 2 } as const satisfies Record<LinkPurpose, number>;
const DOWNLOAD_FLAG = 0x80;
/** Keeps these MACs apart from any other use of the same secret. */
const MAC_CONTEXT = "atelier file link 1\n";

/**
 * Makes and checks the links under which stored files are fetched. The first secret signs, all of them verify, so a
 * secret can be replaced without killing links already handed out. Throws `OperatorError` for a missing or short one.
 */
export function createLinkSigner(options: { secrets: readonly string[]; clock: Clock }): LinkSigner {
  const { secrets, clock } = options;
  const [signingSecret] = secrets;
  if (signingSecret === undefined) throw new OperatorError("Signed links need a secret: set LINK_SECRET.");
  if (secrets.some((secret) => Buffer.byteLength(secret) < SECRET_BYTES_MIN)) {
    throw new OperatorError(`Each secret in LINK_SECRET needs at least ${SECRET_BYTES_MIN} bytes.`);
  }
  return {
    sign(link) {
      const body = encodeBody(link);
      return Buffer.concat([body, macOf(signingSecret, body)]).toString("base64url");
    },
    verify(token, purpose) {
      if (!TOKEN.test(token)) return null;
      const bytes = Buffer.from(token, "base64url");
      const body = bytes.subarray(0, MAC_OFFSET);
      if (!isSignedByOneOf(secrets, body, bytes.subarray(MAC_OFFSET))) return null;
      const link = decodeBody(body);
      if (link === null || link.expiresAt.getTime() <= clock.now().getTime()) return null;
      return purpose === undefined || purpose === link.purpose ? link : null;
    },
  };
}

function macOf(secret: string, body: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(MAC_CONTEXT).update(body).digest().subarray(0, MAC_BYTES);
}

/** Tries every secret whatever the earlier ones said, so that the time taken tells nothing. */
function isSignedByOneOf(secrets: readonly string[], body: Uint8Array, mac: Uint8Array): boolean {
  let signed = false;
  for (const secret of secrets) if (timingSafeEqual(macOf(secret, body), mac)) signed = true;
  return signed;
}

function encodeBody(link: Parameters<LinkSigner["sign"]>[0]): Buffer {
  const expiresAtMs = link.expiresAt.getTime();
  invariant(isId(link.fileId) && isId(link.ownerId), "a link is signed for ids that are UUIDs");
  invariant(expiresAtMs >= 0 && expiresAtMs <= EXPIRY_MS_MAX, "a link's expiry is a real moment");
  const body = Buffer.alloc(MAC_OFFSET);
  body[0] = PURPOSE_CODES[link.purpose] | (link.download === true ? DOWNLOAD_FLAG : 0);
  body.writeUIntBE(expiresAtMs, EXPIRY_OFFSET, FILE_ID_OFFSET - EXPIRY_OFFSET);
  body.write(link.fileId.replaceAll("-", ""), FILE_ID_OFFSET, "hex");
  body.write(link.ownerId.replaceAll("-", ""), OWNER_ID_OFFSET, "hex");
  return body;
}

function decodeBody(body: Buffer): FileLink | null {
  const kind = body.readUInt8(0);
  const code = kind & ~DOWNLOAD_FLAG;
  const purpose = code === PURPOSE_CODES.view ? "view" : code === PURPOSE_CODES.provider ? "provider" : null;
  if (purpose === null) return null;
  return {
    fileId: idAt(body, FILE_ID_OFFSET),
    ownerId: idAt(body, OWNER_ID_OFFSET),
    purpose,
    expiresAt: new Date(body.readUIntBE(EXPIRY_OFFSET, FILE_ID_OFFSET - EXPIRY_OFFSET)),
    download: (kind & DOWNLOAD_FLAG) !== 0,
  };
}

function idAt(body: Buffer, offset: number): string {
  const hex = body.toString("hex", offset, offset + ID_BYTES);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
