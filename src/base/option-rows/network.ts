/** Where the server listens, and how connections behave. */
import type { OptionRow } from "../options.ts";
import { checkBind } from "./checks.ts";
import {
  FIXED,
  FIXED_INERT,
  INERT,
  INT_MAX,
  PORTS,
  UINT_MAX,
  flag,
  integer,
  list,
  text,
} from "./make.ts";

export const networkRows: readonly OptionRow[] = [
  integer(
    "port",
    6379,
    PORTS,
    "TCP port; 0 is none beside tls-port or unixsocket, else a free one",
  ),
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
  text("unixsocket", "", "path of a Unix socket to listen on", FIXED),
  integer("unixsocketperm", 0, [0, 0o777], "permissions of the Unix socket, octal", {
    ...FIXED,
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
];
