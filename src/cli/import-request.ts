/** What `hutch import` is asked to do: its words, and the addresses among them. */
import { isIP } from "node:net";

/** A server's address, with what is needed to be let in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The database that the address names, or null. */
  readonly database: number | null;
  /** It is reached by TLS. */
  readonly tls: boolean;
  /** The address without secrets. */
  readonly shown: string;
}

export interface ServerImport {
  readonly kind: "server";
  readonly source: Address;
  readonly target: Address;
  /** Keys that are there already are replaced. */
  readonly replaces: boolean;
  /** Pattern of the keys, or null for all. */
  readonly match: string | null;
  /** Path of the file that remembers how far it is. */
  readonly statePath: string;
  /** Path of the certificates that are trusted instead of the system's, or null. */
  readonly authoritiesPath: string | null;
  /** Any certificate is good enough. */
  readonly insecure: boolean;
}

export interface FileImport {
  readonly kind: "file";
  readonly path: string;
  /** The data directory. */
  readonly directory: string;
}

/** Of addresses, and whether they mean TLS. */
const SCHEMES: ReadonlyMap<string, boolean> = new Map([
  ["redis:", false],
  ["valkey:", false],
  ["rediss:", true],
  ["valkeys:", true],
]);
const DEFAULT_PORT = 6379;
const PORT_MAX = 65535;
const DEFAULT_TARGET = "127.0.0.1:6379";
const DEFAULT_STATE = "hutch-import.state";
const DEFAULT_DIRECTORY = "./hutch-data";

/** Options that take a value. */
const VALUED: ReadonlySet<string> = new Set(["--to", "--dir", "--match", "--state", "--cacert"]);
const FLAGS: ReadonlySet<string> = new Set(["--replace", "--tls", "--insecure"]);
/** Options that only an import from a server has, and of these those that only TLS has. */
const OF_TLS = ["--cacert", "--insecure"];
const OF_SERVERS = ["--to", "--match", "--state", "--replace", "--tls", ...OF_TLS];

/**
 * Reads the words behind `import`.
 * @param password of the source, if its address has none
 * @returns what is wrong as a text; "" if all that is needed is missing
 */
export function parseImport(
  words: readonly string[],
  password: string,
): ServerImport | FileImport | string {
  const given = new Map<string, string>();
  let source: string | null = null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (VALUED.has(word)) {
      const value = words[++at];
      if (value === undefined) return `${word} needs a value`;
      given.set(word, value);
    } else if (FLAGS.has(word)) {
      given.set(word, "");
    } else if (word.startsWith("--")) {
      return `unknown option ${word}`;
    } else if (source === null) {
      source = word;
    } else {
      return `more than one source: ${source} and ${word}`;
    }
  }
  if (source === null) return "";
  const from = parseAddress(source);
  if (from === null) {
    const stray = OF_SERVERS.find((name) => given.has(name));
    if (stray !== undefined) return `${stray} is for imports from a running server`;
    return { kind: "file", path: source, directory: given.get("--dir") ?? DEFAULT_DIRECTORY };
  }
  if (typeof from === "string") return from;
  if (given.has("--dir")) return "--dir is for imports from a file; --to names a running server";
  const target = given.get("--to") ?? DEFAULT_TARGET;
  const to = parseAddress(target);
  if (to === null) return `${target} is no address of a server`;
  if (typeof to === "string") return to;
  if (to.database !== null) return "keys go to the databases that they come from; --to names none";
  const tls = from.tls || given.has("--tls");
  const stray = OF_TLS.find((name) => given.has(name));
  if (stray !== undefined && !tls && !to.tls) {
    return `${stray} is for servers that are reached by TLS; see --tls and rediss://`;
  }
  return {
    kind: "server",
    source: { ...from, tls, password: from.password === "" ? password : from.password },
    target: to,
    replaces: given.has("--replace"),
    match: given.get("--match") ?? null,
    statePath: given.get("--state") ?? DEFAULT_STATE,
    authoritiesPath: given.get("--cacert") ?? null,
    insecure: given.has("--insecure"),
  };
}

/**
 * Reads `host:port` or `redis://[[user]:password@]host[:port][/database]`, or the same with `rediss://` for TLS.
 * @returns null if it is neither, a text if it is one that can't be used
 */
export function parseAddress(text: string): Address | string | null {
  if (/^[a-z]+:\/\//i.test(text)) return parseUrl(text);
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([\w.-]+)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) return null;
  return addressOf(bracketed ?? plain!, Number(digits), "", "", null, false);
}

function parseUrl(text: string): Address | string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "the address of a server is redis://[user:password@]host[:port][/database]";
  }
  const tls = SCHEMES.get(url.protocol);
  if (tls === undefined) {
    return `${url.protocol}// is not supported; redis://, rediss://, valkey:// and valkeys:// are`;
  }
  const path = url.pathname.replace(/^\//, "");
  if (!/^\d*$/.test(path)) return `${path} is no number of a database`;
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  let user;
  let password;
  try {
    user = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch {
    return "the password of the address has a % that no two digits follow";
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return addressOf(host, port, user, password, path === "" ? null : Number(path), tls);
}

function addressOf(
  host: string,
  port: number,
  user: string,
  password: string,
  database: number | null,
  tls: boolean,
): Address | string {
  if (host === "" || port < 1 || port > PORT_MAX) return `${host}:${port} is no address`;
  const place = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  const shown = database === null ? place : `${place}/${database}`;
  return { host, port, user, password, database, tls, shown };
}
