/** Going to the background, and the config files that redis-server is started with. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RespClient } from "../support/resp-client.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

/** Waits until the server that writes this log is ready. @returns its port */
async function readyPort(log: string): Promise<number> {
  for (;;) {
    const text = existsSync(log) ? readFileSync(log, "latin1") : "";
    if (text.includes("Ready to accept")) return Number(/port=(\d+)\./.exec(text)![1]);
    await Bun.sleep(5);
  }
}

/** Ends a server that nobody is the parent of, and waits until it has said so. */
async function end(port: number, log: string): Promise<void> {
  const client = await RespClient.connect(port);
  client.write("SHUTDOWN NOSAVE\r\n");
  await client.closed;
  while (!readFileSync(log, "latin1").includes("bye bye")) await Bun.sleep(5);
}

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((kill) => kill()));

describe("daemonize", () => {
  test("goes on in a process of its own, and the first one ends with status 0 and no word", async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "data"));
      writeFileSync(
        join(folder, "x.conf"),
        "daemonize yes\nport 0\nbind 127.0.0.1\ndir data\nlogfile x.log\npidfile x.pid\n",
      );
      const run = runHutch(["x.conf", "--maxclients", "77"], { cwd: folder });
      expect(await run.exited).toBe(0);
      expect(run.out() + run.err()).toBe("");
      const log = join(folder, "data", "x.log");
      const port = await readyPort(log);
      const pid = Number(readFileSync(join(folder, "data", "x.pid"), "latin1"));
      // Whatever fails below, nothing stays behind.
      ends.push(() => process.kill(pid, "SIGKILL"));
      const client = await RespClient.connect(port);
      expect(await client.text("CONFIG", "GET", "daemonize", "maxclients")).toBe(
        '["daemonize", "yes", "maxclients", "77"]',
      );
      expect(pid).not.toBe(run.pid);
      expect(await client.text("INFO", "server")).toContain(`process_id:${pid}\\x0d`);
      client.close();
      await end(port, log);
      ends.pop();
      expect(existsSync(join(folder, "data", "x.pid"))).toBe(false);
    });
  });

  test("leaves a server in the foreground that a service manager watches", async () => {
    const args = ["--daemonize", "yes", "--supervised", "systemd", "--port", "0"];
    const run = runHutch([...args, "--bind", "127.0.0.1"], { env: { NOTIFY_SOCKET: "/none" } });
    try {
      (await RespClient.connect(await run.port())).close();
    } finally {
      await run.stop();
    }
  });
});

/** What Redis 7.4's own redis.conf sets; the rest of it is comments. */
const REDIS_CONF_7_4 = `bind 127.0.0.1 -::1
protected-mode yes
port 6379
tcp-backlog 511
timeout 0
tcp-keepalive 300
daemonize no
pidfile /var/run/redis_6379.pid
loglevel notice
logfile ""
databases 16
always-show-logo no
set-proc-title yes
proc-title-template "{title} {listen-addr} {server-mode}"
locale-collate ""
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
rdb-del-sync-files no
dir ./
replica-serve-stale-data yes
replica-read-only yes
repl-diskless-sync yes
repl-diskless-sync-delay 5
repl-diskless-sync-max-replicas 0
repl-diskless-load disabled
repl-disable-tcp-nodelay no
replica-priority 100
acllog-max-len 128
lazyfree-lazy-eviction no
lazyfree-lazy-expire no
lazyfree-lazy-server-del no
replica-lazy-flush no
lazyfree-lazy-user-del no
lazyfree-lazy-user-flush no
oom-score-adj no
oom-score-adj-values 0 200 800
disable-thp yes
appendonly no
appendfilename "appendonly.aof"
appenddirname "appendonlydir"
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-load-truncated yes
aof-use-rdb-preamble yes
aof-timestamp-enabled no
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 0
notify-keyspace-events ""
hash-max-listpack-entries 512
hash-max-listpack-value 64
list-max-listpack-size -2
list-compress-depth 0
set-max-intset-entries 512
set-max-listpack-entries 128
set-max-listpack-value 64
zset-max-listpack-entries 128
zset-max-listpack-value 64
hll-sparse-max-bytes 3000
stream-node-max-bytes 4096
stream-node-max-entries 100
activerehashing yes
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
dynamic-hz yes
aof-rewrite-incremental-fsync yes
rdb-save-incremental-fsync yes
jemalloc-bg-thread yes
`;

/** Only root and redis-server may read Debian's file. */
function readIfAllowed(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

const DEBIAN_CONF = "/etc/redis/redis.conf";

describe("a config file of redis-server", () => {
  const files = [["Redis 7.4", REDIS_CONF_7_4]];
  const debian = readIfAllowed(DEBIAN_CONF);
  if (debian !== null) files.push(["Debian", debian]);

  for (const [name, text = ""] of files) {
    test(`of ${name} starts it as it is`, async () => {
      await inFolder(async (folder) => {
        // Only where its files lie is changed, so that it stays within the folder.
        const moved = text.replaceAll(/(?:\/var\/\w+|\/run)\/redis(?=[/\s])/g, folder);
        writeFileSync(join(folder, "redis.conf"), moved);
        const args = ["redis.conf", "--port", "0", "--daemonize", "no", "--logfile", ""];
        const run = runHutch([...args, "--bind", "127.0.0.1"], { cwd: folder });
        try {
          const client = await RespClient.connect(await run.port());
          expect(await client.text("CONFIG", "GET", "hll-sparse-max-bytes", "databases")).toBe(
            '["hll-sparse-max-bytes", "3000", "databases", "16"]',
          );
          expect(run.out()).not.toContain("has no effect");
          client.close();
        } finally {
          await run.stop();
        }
      });
    });
  }
});
