import { readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { OperatorError } from "../errors.ts";

/** One server of a database address: a host, or a folder with the server's socket. */
export interface PostgresHost {
  host: string;
  port: number;
  /** The path of a Unix socket, where the host is a folder. */
  path?: string;
}

/** How the traffic is encrypted, in the words of Postgres's own tools. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-ca" | "verify-full";
const TLS_MODES: readonly TlsMode[] = ["disable", "prefer", "require", "verify-ca", "verify-full"];

/** What a database address says. */
export interface PostgresAddress {
  /** Tried in this order until one is there that takes writes. */
  hosts: PostgresHost[];
  user: string;
  password: string;
  database: string;
  tlsMode: TlsMode;
  /** PEM of the authorities that are trusted; undefined: the system's. */
  ca: string | undefined;
  /** Everything else in the query: parameters of the session. */
  parameters: Record<string, string>;
}

const PORT = 5432;

/**
 * Reads `postgres://user:password@host:port[,host:port]/database?sslmode=verify-full`. `caFile` names the authority's
 * certificate, unless the address does so itself (`sslrootcert`).
 */
export function readAddress(url: string, caFile = ""): PostgresAddress {
  const [, authority = "", rest = ""] = /^postgres(?:ql)?:\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  const at = authority.lastIndexOf("@");
  const [user = "", password = ""] = splitOnce(authority.slice(0, Math.max(at, 0)), ":").map(decodeURIComponent);
  const { pathname, searchParams } = new URL(rest, "postgres://host");
  const parameters = Object.fromEntries(searchParams);
  const { sslmode, sslrootcert, host: folder, target_session_attrs: _, ...others } = parameters;
  const names = (folder ?? decodeURIComponent(authority.slice(at + 1))).split(",");
  const database = decodeURIComponent(pathname.slice(1)) || user;
  const trusted = sslrootcert === undefined || sslrootcert === "system" ? caFile : sslrootcert;
  return {
    hosts: names.map(readHost),
    user,
    password,
    database,
    tlsMode: readTlsMode(sslmode ?? (sslrootcert === "system" ? "verify-full" : undefined), trusted !== ""),
    ca: trusted === "" ? undefined : readCertificates(trusted),
    parameters: others,
  };
}

function readHost(text: string): PostgresHost {
  const [, bracketed, plain = "localhost", port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? (plain === "" ? "localhost" : plain);
  const number = port === undefined ? PORT : Number(port);
  return host.startsWith("/") ? { host, port: number, path: `${host}/.s.PGSQL.${number}` } : { host, port: number };
}

/** Who names an authority wants it to be asked, as with Postgres's own tools. */
function readTlsMode(text: string | undefined, hasAuthority: boolean): TlsMode {
  if (text === undefined) return hasAuthority ? "verify-full" : "disable";
  const mode = TLS_MODES.find((one) => one === (text === "allow" ? "prefer" : text));
  if (!mode) throw new OperatorError(`sslmode in DATABASE_URL must be one of ${TLS_MODES.join(", ")}, not "${text}"`);
  return mode === "require" && hasAuthority ? "verify-ca" : mode;
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new OperatorError(`DATABASE_CA_FILE (or sslrootcert) cannot be read: ${(error as Error).message}`);
  }
}

/** What the driver is told of the encryption. */
export function tlsOptions({ tlsMode, ca }: PostgresAddress, { host, path }: PostgresHost) {
  if (tlsMode === "disable" || path !== undefined) return false;
  if (tlsMode === "prefer") return tlsMode;
  if (tlsMode === "require") return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    // Named here, because a runtime that is given a bare address would compare with a name of its own choice.
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      tlsMode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
  };
}

function splitOnce(text: string, separator: string): string[] {
  const place = text.indexOf(separator);
  return place === -1 ? [text] : [text.slice(0, place), text.slice(place + separator.length)];
}
