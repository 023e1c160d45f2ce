/** Client-side caching: who is told of which keys, when, and in which form. */
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import { sameFlags } from "../client-fields.ts";
import type { Case, Step } from "../case.ts";
import { lines } from "../lines.ts";

function other(text: string): Step[] {
  return lines(text).map((run) => ({ run, on: "other" }));
}

/** A command behind which, or in front of whose reply, so many messages come. */
function after(messages: number, run = "PING"): Step {
  return { run, frames: 1 + messages };
}

const resp3 = { protocols: [3] as const };

/** One client reads, another one changes: how many messages come. */
function told(name: string, options: string, mine: string, theirs: string, messages: number): Case {
  return {
    ...resp3,
    name,
    steps: [
      `CLIENT TRACKING ON ${options}`.trim(),
      ...lines(mine),
      ...other(theirs),
      after(messages),
    ],
  };
}

/** What reads or changes a key, and whether the client that has run the first is told of the second. */
const PAIRS: readonly (readonly [mine: string, theirs: string, messages: number])[] = [
  ["GET k", "SET k 1", 1],
  ["GET k", "SET k 1; SET k 2", 1],
  ["GET k; GET k", "SET k 1", 1],
  ["GET k", "SET other 1", 0],
  ["SET k 1", "SET k 2", 0],
  ["MGET a b c", "SET b 1; SET c 1", 2],
  ["MGET a b a", "MSET a 1 b 2", 2],
  ["EXISTS k", "SET k 1", 1],
  ["TYPE k", "SET k 1", 1],
  ["TTL k", "SET k 1", 1],
  ["STRLEN k", "APPEND k 1", 1],
  ["LRANGE l 0 -1", "RPUSH l a b", 1],
  ["LLEN l; LLEN l", "RPUSH l a; LPOP l", 1],
  ["HGET h f", "HSET h g 1", 1],
  ["HGETALL h", "HSET h f 1; HDEL h f", 1],
  ["SMEMBERS s", "SADD s a", 1],
  ["SINTER s t", "SADD t a", 1],
  ["SINTERCARD 2 s t", "SADD t a", 1],
  ["ZRANGE z 0 -1", "ZADD z 1 a", 1],
  ["ZUNION 2 z y", "ZADD y 1 a", 1],
  ["XRANGE x - +", "XADD x 1 f v", 1],
  ["XREAD STREAMS x y 0 0", "XADD y 1 f v", 1],
  ["XLEN x", "XADD x 1 f v; XGROUP CREATE x g 0", 1],
  ["PFCOUNT h", "PFADD h a", 1],
  ["GETBIT k 0", "SETBIT k 0 1", 1],
  ["BITFIELD k GET u8 0", "SETBIT k 0 1", 0],
  ["BITFIELD_RO k GET u8 0", "SETBIT k 0 1", 1],
  ["SORT_RO l", "RPUSH l 1", 1],
  ["SORT l", "RPUSH l 1", 0],
  ["GEODIST g a b", "GEOADD g 1 1 a", 1],
  ["OBJECT ENCODING k", "SET k 1", 1],
  ["MEMORY USAGE k", "SET k 1", 1],
  ["DUMP k", "SET k 1", 1],
  ["LCS a b", "SET a 1", 1],
  ["TOUCH k", "SET k 1", 1],
  ["RANDOMKEY", "SET k 1", 0],
  ["KEYS *", "SET k 1", 0],
  ["SCAN 0", "SET k 1", 0],
  ["DBSIZE", "SET k 1", 0],
  ["GETEX k", "SET k 1", 0],
  ["GET k", "DEL k", 0],
  ["SET k 1; GET k", "DEL k", 1],
  ["SET k 1; GET k", "EXPIRE k 100", 1],
  ["SET k 1; GET k", "EXPIRE k -1", 1],
  ["SET k 1; GET k", "GET k", 0],
  ["SET k 1; GET k", "RENAME k x", 1],
  ["SET k 1; GET x", "RENAME k x", 1],
  ["SET k 1; MGET k x", "RENAME k x", 2],
  ["SET k 1; GET x", "COPY k x", 1],
  ["SET k 1; GET k", "MOVE k 1", 1],
  ["SET k 1; GET k", "SELECT 1; SET k 2", 1],
  ["SET k 1; GET k", "SWAPDB 0 1", 0],
  ["SET k 1; GET k", "FLUSHDB", 1],
  ["SET k 1; GET k", "FLUSHALL", 1],
  ["PING", "FLUSHALL", 1],
  ["PING", "SELECT 5; FLUSHDB", 1],
  ["LPUSH k a; GET k", "LPUSH k b", 1],
  ["GET", "SET k 1", 0],
  ["GET k", "MULTI; SET k 1; SET k 2; EXEC", 1],
  ["MGET a b", "MULTI; SET a 1; SET b 2; EXEC", 2],
  ["MULTI; GET a; GET b; EXEC", "SET a 1; SET b 1", 2],
  ["MULTI; SET a 1; GET b; EXEC", "SET a 1; SET b 1", 1],
  ["GET __proto__", "SET __proto__ 1", 1],
  // redis-server 7.0 remembers the keys that a script declares; since 7.2 it is those that it reads.
  [`EVAL "return redis.call('GET', KEYS[1])" 1 k`, "SET k 1", 1],
  [`EVAL_RO "return redis.call('GET', KEYS[1])" 1 k`, "SET k 1", 1],
  [`EVAL "return redis.call('SET', KEYS[1], 1)" 1 k`, "SET k 2", 0],
  ["MGET a b", `EVAL "redis.call('SET', 'a', 1) return redis.call('DEL', 'b', 'a')" 0`, 1],
  [`MULTI; EVAL "return redis.call('GET', KEYS[1])" 1 k; EXEC`, "SET k 1", 1],
];

const ERRORS = lines(`
  CLIENT TRACKING; CLIENT TRACKING maybe; CLIENT TRACKING ON NOSUCH; CLIENT TRACKING maybe NOSUCH
  CLIENT TRACKING ON REDIRECT; CLIENT TRACKING ON REDIRECT x; CLIENT TRACKING ON REDIRECT 99999999
  CLIENT TRACKING ON REDIRECT {id:} REDIRECT {id:}; CLIENT TRACKING ON PREFIX a; CLIENT TRACKING ON PREFIX
  CLIENT TRACKING ON BCAST OPTIN; CLIENT TRACKING ON BCAST OPTOUT; CLIENT TRACKING ON OPTIN OPTOUT
  CLIENT TRACKING ON BCAST PREFIX a PREFIX ab; CLIENT TRACKING ON BCAST PREFIX ab PREFIX a
  CLIENT TRACKING ON BCAST PREFIX a PREFIX b PREFIX a; CLIENT TRACKING OFF PREFIX a BCAST OPTIN
  CLIENT CACHING YES; CLIENT CACHING NO; CLIENT CACHING maybe; CLIENT CACHING; CLIENT GETREDIR x
  CLIENT TRACKING OFF NOSUCH; CLIENT TRACKING OFF REDIRECT 99999999; CLIENT TRACKING OFF; CLIENT TRACKINGINFO
  CLIENT TRACKING ON; CLIENT TRACKING ON BCAST; CLIENT CACHING YES; CLIENT CACHING NO; CLIENT TRACKINGINFO
  CLIENT TRACKING ON OPTIN; CLIENT TRACKING ON OPTOUT; CLIENT TRACKINGINFO; CLIENT CACHING NO; CLIENT CACHING x
  CLIENT CACHING YES; CLIENT TRACKINGINFO; CLIENT TRACKING ON; CLIENT TRACKINGINFO; CLIENT TRACKING ON OPTOUT
  CLIENT CACHING YES; CLIENT CACHING NO; CLIENT TRACKINGINFO; CLIENT TRACKING ON OPTIN; CLIENT TRACKING OFF
  CLIENT TRACKING ON BCAST PREFIX a; CLIENT TRACKING ON; CLIENT TRACKING ON BCAST PREFIX ab
  CLIENT TRACKING ON BCAST PREFIX b PREFIX c NOLOOP; CLIENT TRACKINGINFO; CLIENT TRACKING ON BCAST
  CLIENT TRACKINGINFO; CLIENT GETREDIR; CLIENT TRACKING OFF; CLIENT GETREDIR; CLIENT TRACKINGINFO
  CLIENT TRACKING ON BCAST; CLIENT TRACKINGINFO; CLIENT TRACKING ON BCAST PREFIX a; CLIENT TRACKING on bcast
  CLIENT TRACKING off; CLIENT TRACKING ON BCAST PREFIX ""; CLIENT TRACKINGINFO; CLIENT TRACKING ON BCAST PREFIX x
  CLIENT TRACKING OFF; CLIENT TRACKING ON NOLOOP OPTIN; CLIENT TRACKINGINFO; RESET; CLIENT TRACKINGINFO`);

/** Both servers give their connections numbers of their own. */
function withoutNumbers(ours: RespValue, theirs: RespValue): boolean {
  return show(ours).replace(/\d+/g, "n") === show(theirs).replace(/\d+/g, "n");
}

const info: Step = { run: "CLIENT TRACKINGINFO", compare: withoutNumbers };
const state: Step = { run: "CLIENT INFO", compare: sameFlags };

const INVALIDATE = "SUBSCRIBE __redis__:invalidate";

export const cases: readonly Case[] = [
  ...PAIRS.map(([mine, theirs, messages]) =>
    told(`${mine}, then another client ${theirs}`, "", mine, theirs, messages),
  ),
  { name: "options that can't be had, and what stays of them", steps: ERRORS },
  {
    ...resp3,
    name: "a client that changes what it has read is told after the reply",
    steps: [
      "CLIENT TRACKING ON",
      "GET k",
      after(1, "SET k 1"),
      "SET k 2",
      "MGET a b",
      after(2, "MSET b 1 a 1"),
      ...lines("GET k; MULTI; SET k 1; GET k; SET k 2; GET k"),
      after(2, "EXEC"),
      after(1, "DEL k"),
      after(1, `EVAL "redis.call('GET', KEYS[1]) return redis.call('SET', KEYS[1], 1)" 1 k`),
      "PING",
      "GET k",
      after(1, "FLUSHALL"),
      after(1, "FLUSHDB"),
      ...lines("MULTI; SET k 1; GET k; FLUSHALL; GET k"),
      after(1, "EXEC"),
      "PING",
    ],
  },
  {
    ...resp3,
    name: "NOLOOP: a client is not told of its own changes, and no more of later ones before it reads again",
    steps: [
      ...lines("CLIENT TRACKING ON NOLOOP; GET k; SET k 1"),
      ...other("SET k 2"),
      ...lines("PING; GET k"),
      ...other("SET k 3"),
      after(1),
      ...lines("GET k; MULTI; SET k 1; EXEC"),
      ...lines(`GET k; EVAL "return redis.call('SET', 'k', 2)" 0`),
      after(1, "FLUSHALL"),
    ],
  },
  {
    ...resp3,
    name: "OPTIN: only what is read after CACHING YES",
    steps: [
      ...lines("CLIENT TRACKING ON OPTIN; GET a; CLIENT CACHING YES; GET b; GET c"),
      ...lines("CLIENT CACHING YES; PING; GET d; CLIENT CACHING YES; CLIENT TRACKINGINFO; GET e"),
      ...lines("CLIENT CACHING YES; NOSUCH; GET f; CLIENT CACHING YES; CLIENT GETNAME; GET g"),
      ...lines("CLIENT CACHING YES; MULTI; GET h; PING; EXEC; GET i"),
      ...lines("CLIENT CACHING YES; MULTI; DISCARD; GET j; CLIENT CACHING YES; GET; GET k"),
      ...other("MSET a 1 b 1 c 1 d 1 e 1 f 1 g 1 h 1 i 1 j 1 k 1"),
      after(4),
      "CLIENT TRACKINGINFO",
    ],
  },
  {
    ...resp3,
    name: "OPTOUT: all but what is read after CACHING NO",
    steps: [
      ...lines("CLIENT TRACKING ON OPTOUT; GET a; CLIENT CACHING NO; GET b; GET c"),
      ...lines(
        "CLIENT CACHING NO; CLIENT TRACKINGINFO; GET d; CLIENT CACHING NO; MULTI; GET e; EXEC; GET f",
      ),
      ...other("MSET a 1 b 1 c 1 d 1 e 1 f 1"),
      after(3),
    ],
  },
  {
    ...resp3,
    name: "BCAST: all keys with a prefix, those of a turn in one message",
    steps: [
      'CLIENT TRACKING ON BCAST PREFIX user: PREFIX "\\xff"',
      ...other("SET user:1 a"),
      after(1),
      ...other('MSET user:2 a user:1 b use 1 "\\xffa" 1 users 1 user: 1 user:10 1'),
      after(2),
      ...other("SET user:2 a; SET user:2 b; DEL user:2; GET user:1; EXPIRE user:1 100"),
      after(1),
      "GET none",
      ...other("SET none 1"),
      "PING",
      // The message about one's own change comes when the turn ends, behind all replies of the turn.
      "SET user:9 1",
      ...other("FLUSHALL"),
      after(2),
      "CLIENT TRACKING OFF",
      ...other("SET user:1 a"),
      "PING",
    ],
  },
  {
    ...resp3,
    name: "BCAST without a prefix: all keys",
    steps: [
      "CLIENT TRACKING ON BCAST",
      ...other("MSET b 1 a 1 __proto__ 1"),
      after(1),
      ...other("DEL a b; INCR n; INCR n"),
      after(1),
    ],
  },
  {
    ...resp3,
    name: "BCAST with NOLOOP",
    steps: [
      "CLIENT TRACKING ON BCAST PREFIX a PREFIX b NOLOOP",
      ...lines("SET a1 1; SET b1 1"),
      ...other("SET a2 1"),
      after(1),
      { run: "CLIENT TRACKING ON BCAST PREFIX a", on: "third" },
      "MSET a1 1 a2 2",
      { run: "PING", on: "third", frames: 2 },
    ],
  },
  {
    ...resp3,
    name: "messages go to another connection",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target}" },
      info,
      { run: "CLIENT GETREDIR", compare: withoutNumbers },
      ...lines("GET k; GET l"),
      { run: "PING", on: "target" },
      ...other("SET k 1"),
      { run: "PING", on: "target", frames: 2 },
      "SET l 1",
      { run: "PING", on: "target", frames: 2 },
      "FLUSHALL",
      { run: "PING", on: "target", frames: 2 },
      "PING",
      state,
      { run: "CLIENT INFO", on: "target", compare: sameFlags },
    ],
  },
  {
    ...resp3,
    name: "messages go to a connection that speaks RESP2, if it has subscriptions",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target}" },
      { run: "HELLO 2", on: "target", compare: withoutNumbers },
      "GET k",
      ...other("SET k 1"),
      { run: "PING", on: "target" },
      { run: INVALIDATE, on: "target" },
      "GET k",
      ...other("SET k 2"),
      { run: "PING", on: "target", frames: 2 },
      ...other("FLUSHALL"),
      { run: "PING", on: "target", frames: 2 },
    ],
  },
  {
    ...resp3,
    name: "the connection that gets the messages has gone",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target}" },
      ...lines("MGET a b c"),
      { run: "QUIT", on: "target" },
      info,
      ...other("SET a 1"),
      { run: "PING", frames: 2, compare: withoutNumbers },
      info,
      state,
      ...other("MSET b 1 c 1"),
      { run: "PING", frames: 3, compare: withoutNumbers },
      "CLIENT TRACKING ON",
      info,
      "GET a",
      ...other("SET a 1"),
      after(1),
    ],
  },
  {
    protocols: [2],
    name: "RESP2: no messages on the connection itself",
    steps: [
      ...lines("CLIENT TRACKING ON; GET k"),
      ...other("SET k 1"),
      ...lines("PING; CLIENT TRACKING OFF; CLIENT TRACKING ON BCAST"),
      ...other("SET k 1"),
      ...lines("PING; FLUSHALL; PING"),
    ],
  },
  {
    protocols: [2],
    name: "RESP2: messages as from a channel, on a connection with subscriptions",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target}" },
      { run: "GET a" },
      ...other("SET a 1"),
      { run: INVALIDATE, on: "target" },
      { run: "GET a" },
      ...other("SET a 1"),
      { run: "PING", on: "target", frames: 2 },
      ...other("FLUSHALL"),
      { run: "PING", on: "target", frames: 2 },
      { run: "UNSUBSCRIBE", on: "target" },
      { run: "SUBSCRIBE something", on: "target" },
      { run: "GET a" },
      ...other("SET a 1"),
      { run: "PING", on: "target", frames: 2 },
      { run: "UNSUBSCRIBE", on: "target" },
      { run: "GET a" },
      ...other("SET a 1"),
      { run: "PING", on: "target" },
    ],
  },
  {
    protocols: [2],
    name: "RESP2: BCAST redirected",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target} BCAST PREFIX a NOLOOP" },
      { run: INVALIDATE, on: "target" },
      ...other("MSET a2 1 a1 1 b 1"),
      { run: "PING", on: "target", frames: 2 },
      ...lines("SET a1 1; PING"),
      { run: "PING", on: "target" },
    ],
  },
  {
    protocols: [2],
    name: "RESP2: the connection that gets the messages has gone",
    steps: [
      { run: "CLIENT TRACKING ON REDIRECT {id:target}" },
      { run: "GET a" },
      { run: "QUIT", on: "target" },
      ...other("SET a 1"),
      info,
      state,
    ],
  },
  {
    ...resp3,
    name: "a time that comes is a change",
    steps: [
      ...lines("SET k 1 PX 30; CLIENT TRACKING ON; GET k"),
      { run: "BLPOP none 0.2", on: "other" },
      after(1),
    ],
  },
  {
    ...resp3,
    name: "a time that comes is a change when somebody finds the key expired",
    steps: [
      "DEBUG SET-ACTIVE-EXPIRE 0",
      ...lines("SET k 1 PX 30; CLIENT TRACKING ON; GET k"),
      { run: "BLPOP none 0.1", on: "other" },
      "PING",
      ...other("GET k"),
      after(1),
      ...lines("SET l 1 PX 10; GET l"),
      { run: "BLPOP none 0.1", on: "other" },
      after(1, "GET l"),
      ...other("SET l 1"),
      after(1),
    ],
    cleanup: ["DEBUG SET-ACTIVE-EXPIRE 1"],
  },
  {
    ...resp3,
    name: "OFF, RESET and HELLO 2 end the messages",
    steps: [
      ...lines("CLIENT TRACKING ON; GET k; CLIENT TRACKING OFF"),
      ...other("SET k 1"),
      ...lines("PING; CLIENT TRACKING ON; GET k"),
      { run: "HELLO 2", compare: withoutNumbers },
      ...other("SET k 1"),
      "PING",
      { run: "HELLO 3", compare: withoutNumbers },
      "GET k",
      ...other("SET k 2"),
      after(1),
      "GET k",
      "RESET",
      ...other("SET k 3"),
      "PING",
      "CLIENT TRACKINGINFO",
    ],
  },
  {
    ...resp3,
    name: "what was read in one mode counts in the next only if it is of the same kind",
    steps: [
      // When nobody tracks any more, Hutch forgets all keys.
      { run: "CLIENT TRACKING ON", on: "third" },
      ...lines("CLIENT TRACKING ON; GET a; CLIENT TRACKING OFF; CLIENT TRACKING ON; GET b"),
      ...other("MSET a 1 b 1"),
      after(2),
      ...lines("GET a; CLIENT TRACKING OFF; CLIENT TRACKING ON BCAST PREFIX x"),
      ...other("SET a 1"),
      "PING",
    ],
  },
  {
    ...resp3,
    name: "replies that are switched off do not switch off messages",
    steps: [
      ...lines("CLIENT TRACKING ON; GET k"),
      { run: "CLIENT REPLY OFF", frames: 0 },
      ...other("SET k 1"),
      { run: "GET k", frames: 1 },
      { run: "SET k 2", frames: 1 },
      after(0, "CLIENT REPLY ON"),
      "PING",
    ],
  },
  {
    ...resp3,
    name: "INFO counts clients, keys, items and prefixes",
    steps: [
      ...lines("CLIENT TRACKING ON; MGET a b c"),
      { run: "CLIENT TRACKING ON", on: "second" },
      { run: "GET a", on: "second" },
      { run: "CLIENT TRACKING ON BCAST PREFIX a PREFIX b", on: "third" },
      { run: "CLIENT TRACKING ON BCAST PREFIX b PREFIX c", on: "fourth" },
      ...["stats", "clients"].map((section): Step => ({
        run: `INFO ${section}`,
        compare: (ours, theirs) => figures(ours) === figures(theirs),
      })),
    ],
  },
];

function figures(value: RespValue): string {
  return (show(value).match(/tracking_\w+:\d+/g) ?? []).join(" ");
}
