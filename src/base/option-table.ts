/** All options of a server. */
import type { OptionRow } from "./options.ts";

export const OPTION_ROWS: readonly OptionRow[] = [
  { name: "port", type: "integer", default: "6379", min: 0, max: 65535, help: "TCP port" },
  { name: "bind", type: "list", default: "127.0.0.1", help: "addresses to listen on" },
  { name: "databases", type: "integer", default: "16", min: 1, fixed: true, help: "databases" },
  { name: "hz", type: "integer", default: "10", min: 1, max: 500, help: "beats a second" },
  { name: "timeout", type: "integer", default: "0", min: 0, help: "seconds idle until closed" },
  { name: "tcp-keepalive", type: "integer", default: "300", min: 0, help: "seconds" },
  { name: "protected-mode", type: "flag", default: "yes", help: "loopback only without password" },
  {
    name: "client-query-buffer-limit",
    type: "memory",
    default: "1073741824",
    help: "bytes of unfinished commands of a client",
  },
  {
    name: "client-output-buffer-limit",
    type: "text",
    default: "normal 268435456 67108864 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    help: "unsent replies of a client",
  },
  { name: "requirepass", type: "text", default: "", help: "password of the default user" },
  { name: "maxclients", type: "integer", default: "10000", help: "connected clients" },
  { name: "proto-max-bulk-len", type: "memory", default: "536870912", help: "longest argument" },
  { name: "hz", type: "integer", default: "10", min: 1, max: 500, help: "housekeeping beats a second" },
];
