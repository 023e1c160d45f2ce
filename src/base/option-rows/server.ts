/** The process: its files, its log, how it starts and stops. */
import type { OptionRow } from "../options.ts";
import {
  checkEvents,
  checkOomScore,
  checkOomScores,
  checkPercentiles,
  checkShutdown,
  checkTitle,
} from "./checks.ts";
import {
  FIXED,
  FIXED_INERT,
  INERT,
  INT64_MAX,
  INT_MAX,
  choice,
  flag,
  integer,
  list,
  text,
} from "./make.ts";

const FACILITIES = ["user", ...Array.from({ length: 8 }, (_, index) => `local${index}`)];
const HIDDEN_INERT = { hidden: true, inert: true };

/** A list of processors; older files write the name with an underscore. */
function cpuList(name: string, help: string): OptionRow {
  return text(`${name}-cpulist`, "", help, {
    ...FIXED_INERT,
    aliases: [`${name.replaceAll("-", "_")}_cpulist`],
  });
}

export const serverRows: readonly OptionRow[] = [
  integer("databases", 16, [1, INT_MAX], "databases", FIXED),
  text("dir", ".", "working directory: files with relative names are in it", { protected: true }),
  choice(
    "loglevel",
    ["debug", "verbose", "notice", "warning", "nothing"],
    "notice",
    "least important lines that are logged",
  ),
  text("logfile", "", "file of the log; empty is standard output", FIXED),
  text("pidfile", "", "file that holds the process id while the server runs", FIXED),
  flag("daemonize", "no", "go to the background", FIXED),
  flag("always-show-logo", "no", "print the logo even if the log is no terminal", FIXED_INERT),
  choice(
    "supervised",
    ["upstart", "systemd", "auto", "no"],
    "no",
    "tell a service manager about the state",
    FIXED,
  ),
  flag("syslog-enabled", "no", "log to the system's log", FIXED_INERT),
  text("syslog-ident", "redis", "name in the system's log", FIXED_INERT),
  choice("syslog-facility", FACILITIES, "local0", "facility in the system's log", FIXED_INERT),
  flag("set-proc-title", "yes", "show the port in the process list", FIXED_INERT),
  text("proc-title-template", "{title} {listen-addr} {server-mode}", "form of that title", {
    ...INERT,
    check: checkTitle,
  }),
  text("locale-collate", "", "locale in which strings are compared", INERT),
  list("shutdown-on-sigint", "default", "what SIGINT does: words of SHUTDOWN", {
    ...INERT,
    check: checkShutdown,
  }),
  list("shutdown-on-sigterm", "default", "what SIGTERM does: words of SHUTDOWN", {
    ...INERT,
    check: checkShutdown,
  }),
  integer(
    "shutdown-timeout",
    10,
    [0, INT_MAX],
    "seconds to wait for replicas when stopping",
    INERT,
  ),
  choice(
    "oom-score-adj",
    ["no", "yes", "relative", "absolute"],
    "no",
    "tell the system whom to kill when memory is short",
    {
      ...INERT,
      check: checkOomScore,
    },
  ),
  list("oom-score-adj-values", "0 200 800", "scores of primary, replica and child", {
    ...INERT,
    check: checkOomScores,
  }),
  flag("disable-thp", "yes", "do without transparent huge pages", FIXED_INERT),
  flag("crash-log-enabled", "yes", "write a report after a crash", INERT),
  flag("crash-memcheck-enabled", "yes", "check the memory after a crash", INERT),
  flag("use-exit-on-panic", "no", "leave a panic by exit", HIDDEN_INERT),
  integer(
    "watchdog-period",
    0,
    [0, INT_MAX],
    "milliseconds after which a stall is reported",
    HIDDEN_INERT,
  ),
  text("ignore-warnings", "", "warnings about the system that do not stop the start", INERT),
  integer("io-threads", 1, [1, 128], "threads that read and write sockets", FIXED_INERT),
  flag("io-threads-do-reads", "no", "use them for reading too", FIXED_INERT),
  cpuList("server", "processors for the server"),
  cpuList("bio", "processors for background threads"),
  cpuList("aof-rewrite", "processors for rewriting the log"),
  cpuList("bgsave", "processors for snapshots"),
  integer(
    "busy-reply-threshold",
    5000,
    [0, INT64_MAX],
    "milliseconds a script may run before others are told BUSY",
    { aliases: ["lua-time-limit"] },
  ),
  flag(
    "enable-typescript-functions",
    "no",
    "let FUNCTION LOAD take TypeScript (#!ts), run in realms that are less surely closed than Lua's scripts",
    FIXED,
  ),
  flag("lua-enable-deprecated-api", "no", "let scripts use what is deprecated", {
    ...FIXED_INERT,
    hidden: true,
  }),
  integer(
    "slowlog-log-slower-than",
    10000,
    [-1, INT64_MAX],
    "microseconds from which a command is slow; -1 is never",
  ),
  integer("slowlog-max-len", 128, [0, INT64_MAX], "slow commands remembered"),
  integer(
    "latency-monitor-threshold",
    0,
    [0, INT64_MAX],
    "milliseconds from which events are recorded; 0 is off",
  ),
  list("latency-tracking-info-percentiles", "50 99 99.9", "percentiles that INFO shows", {
    check: checkPercentiles,
  }),
  text("notify-keyspace-events", "", "classes of events that are published", {
    check: checkEvents,
  }),
];
