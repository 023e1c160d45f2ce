/** TLS: where it is spoken, with which certificates, and what clients must show. */
import type { OptionRow, Parsed } from "../options.ts";
import { refuse } from "./checks.ts";
import { INERT, INT_MAX, PORTS, choice, flag, integer, text } from "./make.ts";

/** Names a file that may have changed: read again by every CONFIG SET. */
const FILE = { volatile: true } as const;

const OLD_PROTOCOLS: ReadonlySet<string> = new Set(["tlsv1", "tlsv1.1"]);
const PROTOCOLS: ReadonlySet<string> = new Set(["tlsv1.2", "tlsv1.3"]);

/** `tls-protocols`: some of the versions that there are; none stands for all. */
function checkProtocols([value]: readonly string[]): Parsed {
  for (const word of value!.toLowerCase().split(" ")) {
    if (word === "" || PROTOCOLS.has(word)) continue;
    const old = OLD_PROTOCOLS.has(word) ? "TLSv1 and TLSv1.1 are not supported." : "";
    const wrong = old === "" ? "Invalid tls-protocols specified." : old;
    return { error: `${wrong} Use a combination of 'TLSv1.2' and 'TLSv1.3'.` };
  }
  return { value: value! };
}

export const tlsRows: readonly OptionRow[] = [
  integer("tls-port", 0, PORTS, "TLS port; 0 is none"),
  choice(
    "tls-auth-clients",
    ["no", "yes", "optional"],
    "yes",
    "whether TLS clients must show a certificate",
  ),
  choice(
    "tls-auth-clients-user",
    ["off", "CN"],
    "off",
    "what of its certificate names the user that a client is",
  ),
  text("tls-cert-file", "", "certificate of the server", FILE),
  text("tls-key-file", "", "private key of the server", FILE),
  text("tls-key-file-pass", "", "password of the private key", { ...FILE, sensitive: true }),
  text("tls-ca-cert-file", "", "certificates of trusted authorities", FILE),
  text("tls-ca-cert-dir", "", "folder of such certificates", FILE),
  text("tls-protocols", "", "allowed versions of TLS: TLSv1.2, TLSv1.3", { check: checkProtocols }),
  text("tls-ciphers", "", "allowed ciphers of TLS 1.2"),
  text("tls-ciphersuites", "", "ciphers of TLS 1.3, which can't be chosen", {
    ...INERT,
    check: refuse("", "the ciphers of TLS 1.3 can't be chosen: all three are allowed"),
  }),
  flag("tls-prefer-server-ciphers", "no", "the server's order of ciphers decides"),
  flag("tls-session-caching", "yes", "let clients resume TLS sessions"),
  integer("tls-session-cache-size", 20480, [0, INT_MAX], "TLS sessions kept", INERT),
  integer("tls-session-cache-timeout", 300, [0, INT_MAX], "seconds a TLS session is kept", INERT),
  text("tls-dh-params-file", "", "Diffie-Hellman parameters", {
    ...INERT,
    check: refuse("", "key exchange by Diffie-Hellman over finite fields is not supported"),
  }),
  text("tls-client-cert-file", "", "certificate of outgoing connections", INERT),
  text("tls-client-key-file", "", "private key of outgoing connections", INERT),
  text("tls-client-key-file-pass", "", "password of that key", { ...INERT, sensitive: true }),
  flag("tls-replication", "no", "TLS towards the primary", INERT),
  flag("tls-cluster", "no", "TLS on the cluster bus", INERT),
];
