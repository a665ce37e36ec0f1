import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 16;

/** Keeps texts so that whoever has the database, or a copy of it, cannot read them without the secret. */
export interface Seal {
  close(text: string): string;
  /** Null for what was sealed with another secret, or damaged. */
  open(sealed: string): string | null;
  /** Tells one secret from another without telling anything of it. */
  fingerprint(): string;
}

/**
 * A seal made of a secret that people chose, such as a password: the key is derived slowly, so that guessing it from a copy
 * is slow too. It is derived at the first use (some 50 ms), not before.
 */
export function createSeal(secret: string, salt: string): Seal {
  let keys: { key: Buffer; fingerprint: string } | undefined;
  const derived = () => {
    if (keys === undefined) {
      const bytes = scryptSync(secret, `atelier seal ${salt}`, KEY_BYTES + FINGERPRINT_BYTES);
      keys = { key: bytes.subarray(0, KEY_BYTES), fingerprint: bytes.subarray(KEY_BYTES).toString("hex") };
    }
    return keys;
  };
  return {
    close(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, derived().key, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.byteLength < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv(ALGORITHM, derived().key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString();
      } catch {
        return null;
      }
    },
    fingerprint: () => derived().fingerprint,
  };
}
