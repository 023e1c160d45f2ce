/** Big values of every type, far above every limit of packed forms: ranges, changes in the middle, algebra, what is left. */
import type { Case, Step } from "../case.ts";

const ELEMENTS = 8_000;
/** Arguments of one command that fills a value. */
const CHUNK = 500;

/** Commands that add elements, many at a time. @param element the arguments that one element takes */
function fill(command: readonly string[], element: (index: number) => readonly string[]): Step[] {
  const steps: Step[] = [];
  for (let from = 0; from < ELEMENTS; from += CHUNK) {
    const words = Array.from({ length: CHUNK }, (_, i) => element(from + i)).flat();
    steps.push([...command, ...words]);
  }
  return steps;
}

/** Spreads the numbers below 8,000, so that elements do not come in order. */
function spread(index: number): number {
  return (index * 7919) % ELEMENTS;
}

function unordered(run: string): Step {
  return { run, compare: "unordered" };
}

const LOOK: readonly Step[] = ["DEBUG DIGEST-VALUE k", "OBJECT ENCODING k"];

export const cases: readonly Case[] = [
  {
    name: "a list of eight thousand elements",
    steps: [
      ...fill(["RPUSH", "k"], (i) => [i % 3 === 0 ? `${i}` : `element ${spread(i)}`]),
      ...["LLEN k", "LRANGE k 9990 10010", "LRANGE k -30 -1", "LINDEX k 12345", "LINDEX k -12345"],
      ...['LINSERT k BEFORE "element 500" before', 'LINSERT k AFTER "element 500" after'],
      ...["LPOS k 9999 RANK -1", "LPOS k none", 'LPOS k "element 1" COUNT 0 MAXLEN 15000'],
      ...["LSET k 10000 set", "LREM k 2 3", "LREM k -1 3000", "LRANGE k 9995 10005"],
      ...["SORT k ALPHA LIMIT 100 20", "SORT k ALPHA DESC LIMIT 0 5 STORE sorted", "LLEN sorted"],
      ...["COPY k copy", "LTRIM k 5000 15000", "LLEN k", "LMOVE k k LEFT RIGHT", "LPOP k 300"],
      ...["RPOP k 300", "LMPOP 1 k LEFT COUNT 100", ...LOOK, "DEBUG DIGEST-VALUE copy"],
      ...["RENAME copy k", "LRANGE k 0 20", "DEL k"],
    ],
  },
  {
    name: "a hash of eight thousand fields",
    steps: [
      ...fill(["HSET", "k"], (i) => [`field ${spread(i)}`, i % 2 === 0 ? `${i}` : `value ${i}`]),
      ...["HLEN k", "HMGET k none", 'HGET k "field 123"', 'HINCRBY k "field 0" 5'],
      ...['HSTRLEN k "field 19999"', 'HDEL k "field 1" "field 2" none', "HINCRBYFLOAT k new 1.5"],
      ...[unordered("HKEYS k"), unordered("HVALS k"), "COPY k copy", ...LOOK],
      ...fill(["HDEL", "k"], (i) => [`field ${i}`]),
      ...["HLEN k", "HGETALL k", "DEBUG DIGEST-VALUE copy", ...LOOK],
    ],
  },
  {
    name: "sets of eight thousand members",
    steps: [
      ...fill(["SADD", "k"], (i) => [`member ${spread(i)}`]),
      ...fill(["SADD", "ints"], (i) => [`${spread(i) * 3}`]),
      ...fill(["SADD", "more"], (i) => [`${spread(i) * 2}`, `member ${i * 2}`]),
      ...["SCARD k", "SCARD ints", "SCARD more", "SISMEMBER ints 59997", "SMISMEMBER k x none"],
      ...["SINTERCARD 2 ints more", "SINTERCARD 2 k more LIMIT 777", "SINTERSTORE i ints more"],
      ...["SUNIONSTORE u k ints more", "SDIFFSTORE d more k ints", unordered("SDIFF d ints")],
      ...["SREM k none", "SMOVE ints k 3", "SORT i LIMIT 500 10", "SORT i DESC LIMIT 0 5"],
      ...["SCARD u", "SCARD d", "SCARD i", "OBJECT ENCODING i", "OBJECT ENCODING ints", ...LOOK],
    ],
  },
  {
    name: "sorted sets of eight thousand members",
    compare: "doubles",
    steps: [
      ...fill(["ZADD", "k"], (i) => [`${spread(i) / 4}`, `member ${i}`]),
      ...fill(["ZADD", "more"], (i) => [`${i % 10}`, `member ${i * 2}`]),
      ...["ZCARD k", 'ZRANK k "member 777"', 'ZREVRANK k "member 777" ', "ZRANGE k 9990 10010"],
      ...["ZRANGE k 1000 1003.5 BYSCORE WITHSCORES", "ZRANGE k (4000 3990 BYSCORE REV LIMIT 3 9"],
      ...["ZCOUNT k -inf (2500", "ZINCRBY k 1000.125 none", 'ZMSCORE k "member 5" none no'],
      ...["ZLEXCOUNT more - +", 'ZRANGE more "[member 1" "(member 10002" BYLEX LIMIT 0 20'],
      ...["ZUNIONSTORE u 2 k more WEIGHTS 1 3", "ZINTERSTORE i 2 k more AGGREGATE MAX"],
      ...["ZDIFFSTORE d 2 k more", "ZINTERCARD 2 k more LIMIT 4321", "ZRANGESTORE r k 100 5099"],
      ...["ZRANGE u -5 -1 WITHSCORES", "ZRANGE i 0 5 WITHSCORES", "ZCARD d", "ZRANGE d 4000 4005"],
      ...["ZREMRANGEBYRANK k 100 9000", "ZREMRANGEBYSCORE k 4000 4500", "ZPOPMIN k 50"],
      ...["ZPOPMAX k 50", "ZMPOP 1 k MIN COUNT 9", "ZRANGE k 0 20 WITHSCORES", "ZCARD k", ...LOOK],
    ],
  },
  {
    name: "places of eight thousand members",
    steps: [
      ...fill(["GEOADD", "k"], (i) => [
        ...[`${spread(i) * 0.0179 - 179}`, `${((i * 31) % 1600) / 10 - 79.5}`],
        `place ${i}`,
      ]),
      ...["ZCARD k", 'GEOHASH k "place 1" "place 19999"', 'GEODIST k "place 1" "place 777" km'],
      ...["GEOSEARCH k FROMLONLAT 10 10 BYRADIUS 900 km ASC COUNT 25 WITHDIST"],
      ...['GEOSEARCH k FROMMEMBER "place 5000" BYBOX 3000 2000 km DESC COUNT 10'],
      ...["GEOSEARCHSTORE s k FROMLONLAT -100 40 BYRADIUS 2000 km", "ZCARD s", ...LOOK],
    ],
  },
  {
    name: "a stream of eight thousand entries and its groups",
    steps: [
      ...Array.from({ length: ELEMENTS / 2 }, (_, i): Step => [
        ...["XADD", "k", `${Math.floor(i / 7) + 1}-${(i % 7) + 1}`, "field", `${i}`],
        ...(i % 50 === 0 ? ["other", "value"] : []),
      ]),
      ...["XLEN k", "XRANGE k 700 702", "XREVRANGE k + - COUNT 20", "XRANGE k (1000-3 + COUNT 5"],
      ...["XGROUP CREATE k g 0", "XGROUP CREATE k h 500-1"],
      ...["XREADGROUP GROUP g c COUNT 6000 STREAMS k >", "XREADGROUP GROUP h d STREAMS k >"],
      ...["XPENDING k g", "XPENDING k h", "XACK k g 1-1 500-3 501-7 9-9", "XDEL k 600-1 601-2 1-1"],
      ...["XCLAIM k g e 0 800-1 600-1 JUSTID", "XAUTOCLAIM k g e 0 700-1 COUNT 300 JUSTID"],
      ...["XTRIM k MAXLEN ~ 7000", "XLEN k", "XTRIM k MINID 450-3", "XLEN k", "XPENDING k g"],
      ...["XREADGROUP GROUP g c COUNT 5 STREAMS k 0", "XREADGROUP GROUP g c STREAMS k >"],
      ...["XGROUP DELCONSUMER k h d", "COPY k copy", "XTRIM k MAXLEN 10", "XRANGE k - +"],
      ...["XLEN copy", ...LOOK, "DEBUG DIGEST-VALUE copy", "DEL copy"],
    ],
  },
];
