/** Where the server listens, and how connections behave. */
import type { OptionRow } from "../options.ts";
import { checkBind, refuse } from "./checks.ts";
import { FIXED_INERT, INERT, INT_MAX, UINT_MAX, flag, integer, list, text } from "./make.ts";

const PORTS = [0, 65535] as const;
const NO_TLS = "TLS is not supported";

export const networkRows: readonly OptionRow[] = [
  integer("port", 6379, PORTS, "TCP port; 0 takes a free one at the start"),
  list(
    "bind",
    "127.0.0.1 -::1",
    'addresses to listen on; "*" is all, "-" before one makes it optional',
    {
      check: checkBind,
    },
  ),
  flag("protected-mode", "yes", "without a password, refuse clients from other machines"),
  integer("tcp-backlog", 511, [0, INT_MAX], "connections that wait to be accepted", FIXED_INERT),
  integer(
    "tcp-keepalive",
    300,
    [0, INT_MAX],
    "seconds between probes of silent connections; 0 is none",
  ),
  integer(
    "timeout",
    0,
    [0, INT_MAX],
    "seconds after which an idle client is disconnected; 0 is never",
  ),
  text("unixsocket", "", "path of a Unix socket to listen on", FIXED_INERT),
  integer("unixsocketperm", 0, [0, 0o777], "permissions of the Unix socket, octal", {
    ...FIXED_INERT,
    octal: true,
  }),
  text("bind-source-addr", "", "address that outgoing connections come from", INERT),
  integer("socket-mark-id", 0, [0, UINT_MAX], "mark that the system puts on packets", FIXED_INERT),
  integer("max-new-connections-per-cycle", 10, [1, 1000], "connections accepted in one go", INERT),
  integer(
    "max-new-tls-connections-per-cycle",
    1,
    [1, 1000],
    "TLS connections accepted in one go",
    INERT,
  ),
  integer("tls-port", 0, PORTS, "TLS port", {
    inert: true,
    check: refuse("0", NO_TLS),
  }),
  flag("tls-cluster", "no", "TLS on the cluster bus", INERT),
  flag("tls-replication", "no", "TLS towards the primary", INERT),
  {
    name: "tls-auth-clients",
    type: "choice",
    default: "yes",
    choices: ["no", "yes", "optional"],
    inert: true,
    help: "whether TLS clients must show a certificate",
  },
  flag("tls-prefer-server-ciphers", "no", "the server's order of ciphers decides", INERT),
  flag("tls-session-caching", "yes", "keep TLS sessions for later connections", INERT),
  integer("tls-session-cache-size", 20480, [0, INT_MAX], "TLS sessions kept", INERT),
  integer("tls-session-cache-timeout", 300, [0, INT_MAX], "seconds a TLS session is kept", INERT),
  text("tls-cert-file", "", "certificate of the server", INERT),
  text("tls-key-file", "", "private key of the server", INERT),
  text("tls-key-file-pass", "", "password of the private key", { ...INERT, sensitive: true }),
  text("tls-client-cert-file", "", "certificate of outgoing connections", INERT),
  text("tls-client-key-file", "", "private key of outgoing connections", INERT),
  text("tls-client-key-file-pass", "", "password of that key", { ...INERT, sensitive: true }),
  text("tls-dh-params-file", "", "Diffie-Hellman parameters", INERT),
  text("tls-ca-cert-file", "", "certificates of trusted authorities", INERT),
  text("tls-ca-cert-dir", "", "folder of such certificates", INERT),
  text("tls-protocols", "", "allowed versions of TLS", INERT),
  text("tls-ciphers", "", "allowed ciphers up to TLS 1.2", INERT),
  text("tls-ciphersuites", "", "allowed ciphers of TLS 1.3", INERT),
];
