/** Transactions beside other clients: who waits for keys meanwhile, who watches them, pauses, snapshots, what bounds a queue. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";
import { inFolder } from "../persistence/folder.ts";

let hutch: Instance;
let client: RespClient;
const clients: RespClient[] = [];

async function connect(protocol: 2 | 3 = 2): Promise<RespClient> {
  const fresh = await RespClient.connect(hutch.port, protocol);
  clients.push(fresh);
  return fresh;
}

async function start(values: Readonly<Record<string, string>> = {}): Promise<void> {
  hutch = startInProcess(values);
  client = await connect();
}

/** Sends all in one write and gives the answers as text. */
async function run(text: string, on = client): Promise<string[]> {
  const answers = await on.pipeline(text.split("; ").map((line) => line.split(" ")));
  return answers.map(show);
}

beforeEach(() => start({ "enable-debug-command": "yes" }));

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await hutch.stop();
});

describe("a client that waits for a key", () => {
  test("is served after EXEC with what is left then", async () => {
    const waiting = await connect();
    waiting.write(encodeCommand(["BLPOP", "l", "0"]));
    await until("it to wait", () => hutch.engine.blocking.keys === 1);
    const answers = await run("MULTI; RPUSH l 1; DEL l; RPUSH l 2 3; LLEN l; EXEC; LRANGE l 0 -1");
    expect(answers.at(-2)).toBe("[:1, :1, :2, :2]");
    expect(answers.at(-1)).toBe('["3"]');
    expect(show(await waiting.read())).toBe('["l", "2"]');
  });

  test("goes on waiting if nothing is left", async () => {
    const waiting = await connect();
    waiting.write(encodeCommand(["BLPOP", "l", "0"]));
    await until("it to wait", () => hutch.engine.blocking.keys === 1);
    await run("MULTI; RPUSH l 1; LPOP l; EXEC");
    expect(await client.text("RPUSH", "l", "later")).toBe(":1");
    expect(show(await waiting.read())).toBe('["l", "later"]');
  });

  test("can't be one that is in a transaction: all commands that wait answer at once", async () => {
    const answers = await run("MULTI; WAITAOF 0 1 0; WAIT 1 0; WAIT x 0; BLPOP l 0; EXEC");
    expect(answers.at(-1)).toBe(
      "[[:0, :0], :0, -ERR value is not an integer or out of range, null array]",
    );
    expect(await client.text("PING")).toBe("+PONG");
    expect(hutch.engine.blocking.timed).toBe(0);
  });
});

describe("the queue", () => {
  test("counts towards client-query-buffer-limit", async () => {
    await client.call("CONFIG", "SET", "client-query-buffer-limit", "1mb");
    const greedy = await connect();
    await greedy.call("MULTI");
    const value = "x".repeat(10_000);
    let queued = 0;
    for (; queued < 200; queued++) {
      try {
        await greedy.call("SET", "k", value);
      } catch {
        break;
      }
    }
    expect(queued).toBeWithin(95, 110);
    expect(hutch.engine.stats.clientQueryBufferLimitDisconnections).toBe(1);
    await until("it to be forgotten", () => hutch.engine.sessions.size === 1);
  });

  test("of many small commands counts what they take here", async () => {
    await client.call("CONFIG", "SET", "client-query-buffer-limit", "1mb");
    const greedy = await connect();
    greedy.write(encodeCommand(["MULTI"]));
    for (let i = 0; i < 100; i++) greedy.write("*1\r\n$4\r\nPING\r\n".repeat(1000));
    await greedy.closed;
    expect(hutch.engine.stats.clientQueryBufferLimitDisconnections).toBe(1);
  });

  test("is not all that counts: watched keys do as well", async () => {
    await client.call("CONFIG", "SET", "client-query-buffer-limit", "1mb");
    const greedy = await connect();
    let watched = 0;
    for (; watched < 100; watched++) {
      try {
        const keys = Array.from({ length: 100 }, (_, i) => `key:${watched}:${i}`);
        await greedy.call("WATCH", ...keys);
      } catch {
        break;
      }
    }
    expect(watched).toBeWithin(10, 20);
    expect(hutch.engine.stats.clientQueryBufferLimitDisconnections).toBe(1);
    await until("the keys to be forgotten", () => hutch.engine.watchedKeys.count === 0);
  });

  test("gives its memory back, and is used again", async () => {
    const value = "x".repeat(1_000_000);
    await client.pipeline([["MULTI"], ["SET", "k", value], ["EXEC"]]);
    const again = hutch.engine.transactions.take();
    expect(again.memory).toBe(0);
    expect(again.commands).toEqual([]);
    hutch.engine.transactions.give(again);
    expect(await run("MULTI; GET none; EXEC")).toEqual(["+OK", "+QUEUED", "[null bulk]"]);
  });

  test("is forgotten with its client", async () => {
    const other = await connect();
    await run("MULTI; SET k 1", other);
    other.close();
    await until("it to be gone", () => hutch.engine.sessions.size === 1);
    expect(await client.text("EXISTS", "k")).toBe(":0");
    expect(hutch.engine.transactions.take().commands).toEqual([]);
  });
});

describe("EXEC", () => {
  test("waits for the end of a pause if one of its commands does", async () => {
    await client.call("CLIENT", "PAUSE", "60000", "WRITE");
    const other = await connect();
    expect(await run("MULTI; GET k; EXEC", other)).toEqual(["+OK", "+QUEUED", "[null bulk]"]);
    other.write(Buffer.concat([encodeCommand(["MULTI"]), encodeCommand(["SET", "k", "1"])]));
    expect(show(await other.read())).toBe("+OK");
    await until("the write to be held", () => hutch.engine.held.size === 1);
    await client.call("CLIENT", "UNPAUSE");
    expect(show(await other.read())).toBe("+QUEUED");
    await client.call("CLIENT", "PAUSE", "60000", "WRITE");
    other.write(encodeCommand(["EXEC"]));
    await until("EXEC to be held", () => hutch.engine.held.size === 1);
    expect(await client.text("EXISTS", "k")).toBe(":0");
    await client.call("CLIENT", "UNPAUSE");
    expect(show(await other.read())).toBe("[+OK]");
  });

  test("is refused while writes are, if one of its commands is one", async () => {
    await run("MULTI; SET k 1");
    const other = await connect();
    await run("MULTI; GET k", other);
    hutch.engine.refuseWrites("log", "MISCONF no space");
    expect(await run("EXEC; EXEC", client)).toEqual([
      "-EXECABORT Transaction discarded because of: MISCONF no space",
      "-ERR EXEC without MULTI",
    ]);
    expect(await run("EXEC", other)).toEqual(["[null bulk]"]);
    // A write that is refused while it is queued ends the transaction as any error does.
    expect(await run("MULTI; SET k 1; GET k; EXEC", other)).toEqual([
      "+OK",
      "-MISCONF no space",
      "+QUEUED",
      "-EXECABORT Transaction discarded because of previous errors.",
    ]);
    hutch.engine.refuseWrites("log", null);
  });

  test("is refused while data is loaded, if one of its commands is", async () => {
    await run("MULTI; PING; ECHO a");
    const other = await connect();
    await run("MULTI; ECHO a", other);
    hutch.engine.loading = { startedMs: 0, totalBytes: 1, loadedBytes: 0, snapshotMemory: 0 };
    expect(await run("EXEC")).toEqual([
      "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory",
    ]);
    expect(await run("EXEC", other)).toEqual(['["a"]']);
    hutch.engine.loading = null;
  });

  test("begins no snapshot and no rewrite within it: both come after it", async () => {
    await inFolder(async (folder) => {
      await hutch.stop();
      await start({ dir: folder, appendonly: "yes" });
      const answers = await run("MULTI; SET a 1; BGSAVE; BGREWRITEAOF; SET b 1; EXEC");
      expect(answers.at(-1)).toBe(
        "[+OK, +Background saving scheduled, +Background append only file rewriting scheduled, +OK]",
      );
      await until("both", async () => {
        const info = await client.text("INFO", "persistence");
        return info.includes("rdb_saves:1") && info.includes("aof_rewrites:1");
      });
    });
  });

  test("answers an error for what would have to wait for another server", async () => {
    const answers = await run("MULTI; SET k 1; MIGRATE 127.0.0.1 1 k 0 100; GET k; EXEC");
    expect(answers.at(-1)).toBe(
      '[+OK, -ERR MIGRATE waits for another server and can\'t be part of a transaction or a script, "1"]',
    );
  });

  test("has as many elements as there were commands, whatever CLIENT REPLY says within", async () => {
    client.write(
      Buffer.concat(
        ["MULTI", "CLIENT REPLY SKIP", "PING", "EXEC", "PING", "ECHO a"].map((line) =>
          encodeCommand(line.split(" ")),
        ),
      ),
    );
    const answers: string[] = [];
    for (let i = 0; i < 5; i++) answers.push(show(await client.read()));
    expect(answers).toEqual(["+OK", "+QUEUED", "+QUEUED", "[null bulk, +PONG]", '"a"']);
  });
});

describe("WATCH", () => {
  const info = async (): Promise<string[]> =>
    (await client.text("INFO", "clients")).match(/(watching_clients|total_watched_keys):\d+/g) ??
    [];

  test("costs nothing any more when nobody watches: after EXEC, UNWATCH, a change, and a client that goes", async () => {
    const { store } = hutch.engine.keyspace;
    const other = await connect();
    for (const end of ["MULTI; EXEC", "UNWATCH", "SET b 1", "RESET"]) {
      await run("WATCH a b; WATCH c");
      expect(store.observer).not.toBeNull();
      expect(await info()).toEqual(["watching_clients:1", "total_watched_keys:3"]);
      await run(end);
      expect(store.observer).toBeNull();
      expect(await info()).toEqual(["watching_clients:0", "total_watched_keys:0"]);
      await run("UNWATCH");
    }
    await run("WATCH a b", other);
    await run("WATCH b c");
    expect(await info()).toEqual(["watching_clients:2", "total_watched_keys:3"]);
    other.close();
    await until("it to be forgotten", () => hutch.engine.watchedKeys.count === 2);
  });

  test("sees that a time has come which nobody has noticed yet", async () => {
    await run(
      "DEBUG SET-ACTIVE-EXPIRE 0; SET k 1 PX 1000; SET other 1; WATCH k other; MULTI; GET k",
    );
    hutch.engine.clock.advance(2000);
    expect(await run("EXEC")).toEqual(["null array"]);
  });

  test("sees what time does to members", async () => {
    await run("SADD s a b; SPEXPIRE s 1000 MEMBERS 1 a; WATCH s; MULTI; SCARD s");
    hutch.engine.clock.advance(2000);
    while (hutch.engine.keyspace.housekeep(1e9));
    expect(await run("EXEC")).toEqual(["null array"]);
  });

  test("of a thousand keys by a hundred clients forgets each key with its last client", async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
    const watchers = await Promise.all(Array.from({ length: 100 }, () => connect()));
    for (const [i, one] of watchers.entries()) {
      expect(await one.text("WATCH", ...keys.slice(i * 5, i * 5 + 500))).toBe("+OK");
    }
    expect(hutch.engine.watchedKeys.count).toBe(995);
    for (const [i, one] of watchers.entries()) if (i % 2 === 0) await one.text("UNWATCH");
    expect(hutch.engine.watchedKeys.count).toBe(990);
    await client.call("MSET", ...keys.flatMap((key) => [key, "1"]));
    expect(hutch.engine.watchedKeys.count).toBe(0);
    for (const [i, one] of watchers.entries()) {
      const wanted = i % 2 === 0 ? "[+PONG]" : "null array";
      expect((await run("MULTI; PING; EXEC", one)).at(-1)).toBe(wanted);
    }
  });
});
