/**
 * The rows of all commands, wherever they live.
 *
 * A server begins with the rows of the commands that clients use first. Those of the others are loaded late (base/late.ts), in groups, so
 * their names stand here as well; a test compares them with the rows.
 */
import { late } from "./base/late.ts";
import { connectionRows } from "./commands/connection.ts";
import { stringRows } from "./commands/strings.ts";
import { keyRows } from "./commands/keys.ts";
import type { CommandRow, LateRows } from "./commands/row.ts";

/** The commands that are there from the beginning. */
export const FIRST_ROWS: readonly CommandRow[] = [...connectionRows, ...stringRows, ...keyRows];

/** A group of commands. @param names in the order of their rows, space separated */
function group(names: string, load: () => (readonly CommandRow[])[]): LateRows {
  return { names: names.split(" "), rows: late(() => load().flat()) };
}

/** The commands that are loaded late, those first that are likely to be asked for first. */
export const LATE_ROWS: readonly LateRows[] = [
  group("client info config", () => {
    const { clientRows } = require("./commands/client.ts");
    const { infoRows } = require("./commands/info.ts");
    const { configRows } = require("./commands/config.ts");
    return [clientRows, infoRows, configRows];
  }),
  group("command", () => {
    const { commandInfoRows } = require("./commands/command-info.ts");
    return [commandInfoRows];
  }),
  group(
    "incr decr incrby decrby incrbyfloat strlen getrange substr setrange append mget mset " +
      "msetnx msetex increx digest delex delifeq lcs",
    () => {
      const { stringNumberRows } = require("./commands/string-numbers.ts");
      const { stringRangeRows } = require("./commands/string-ranges.ts");
      const { stringManyRows } = require("./commands/string-many.ts");
      const { stringIncrexRows } = require("./commands/string-increx.ts");
      const { stringDigestRows } = require("./commands/string-digest.ts");
      const { lcsRows } = require("./commands/lcs.ts");
      return [
        stringNumberRows,
        stringRangeRows,
        stringManyRows,
        stringIncrexRows,
        stringDigestRows,
        lcsRows,
      ];
    },
  ),
  group(
    "expire pexpire expireat pexpireat ttl pttl expiretime pexpiretime persist keys scan " +
      "object dbsize flushdb flushall swapdb time shutdown lolwut memory",
    () => {
      const { expiryRows } = require("./commands/expiry.ts");
      const { scanRows } = require("./commands/scan.ts");
      const { objectRows } = require("./commands/object.ts");
      const { serverRows } = require("./commands/server.ts");
      const { memoryRows } = require("./commands/memory.ts");
      return [expiryRows, scanRows, objectRows, serverRows, memoryRows];
    },
  ),
  group(
    "multi exec discard watch unwatch subscribe unsubscribe psubscribe punsubscribe " +
      "ssubscribe sunsubscribe publish spublish pubsub monitor",
    () => {
      const { transactionRows } = require("./commands/transactions.ts");
      const { pubsubRows } = require("./commands/pubsub.ts");
      const { monitorRows } = require("./commands/monitors.ts");
      return [transactionRows, pubsubRows, monitorRows];
    },
  ),
  group("eval evalsha eval_ro evalsha_ro script fcall fcall_ro function", () => {
    const { scriptRows } = require("./commands/scripts.ts");
    const { functionRows } = require("./commands/functions.ts");
    return [scriptRows, functionRows];
  }),
  group(
    "hset hmset hsetnx hget hmget hexists hlen hstrlen hdel hgetdel hincrby hincrbyfloat " +
      "hgetall hkeys hvals hrandfield hscan hgetex hsetex hexpire hpexpire hexpireat " +
      "hpexpireat httl hpttl hexpiretime hpexpiretime hpersist sexpire spexpire sexpireat " +
      "spexpireat sttl spttl sexpiretime spexpiretime spersist zexpire zpexpire zexpireat " +
      "zpexpireat zttl zpttl zexpiretime zpexpiretime zpersist",
    () => {
      const { hashRows } = require("./commands/hashes.ts");
      const { hashNumberRows } = require("./commands/hashes-numbers.ts");
      const { hashWholeRows } = require("./commands/hashes-whole.ts");
      const { hashExpiryRows } = require("./commands/hashes-expiry.ts");
      const { memberExpiryRows } = require("./commands/member-expiry.ts");
      return [hashRows, hashNumberRows, hashWholeRows, hashExpiryRows, memberExpiryRows];
    },
  ),
  group(
    "lpush rpush lpushx rpushx lpop rpop llen lrange lindex lset linsert lrem ltrim lpos " +
      "lmove rpoplpush lmpop blpop brpop blmove brpoplpush blmpop",
    () => {
      const { listRows } = require("./commands/lists.ts");
      const { listChangeRows } = require("./commands/lists-change.ts");
      const { listFindRows } = require("./commands/lists-find.ts");
      const { listMoveRows } = require("./commands/lists-move.ts");
      const { blockingListRows } = require("./commands/blocking-lists.ts");
      return [listRows, listChangeRows, listFindRows, listMoveRows, blockingListRows];
    },
  ),
  group(
    "sadd srem smove sismember smismember scard smembers sscan spop srandmember sinter " +
      "sinterstore sintercard sunion sunionstore sunioncard sdiff sdiffstore sdiffcard",
    () => {
      const { setRows } = require("./commands/sets.ts");
      const { setRandomRows } = require("./commands/sets-random.ts");
      const { setAlgebraRows } = require("./commands/sets-algebra.ts");
      return [setRows, setRandomRows, setAlgebraRows];
    },
  ),
  group(
    "zadd zincrby zrem zcard zscore zmscore zrank zrevrank zrange zrevrange zrangebyscore " +
      "zrevrangebyscore zrangebylex zrevrangebylex zrangestore zcount zlexcount " +
      "zremrangebyrank zremrangebyscore zremrangebylex zpopmin zpopmax zmpop zrandmember " +
      "zscan",
    () => {
      const { sortedSetRows } = require("./commands/sorted-sets.ts");
      const { sortedSetRangeRows } = require("./commands/sorted-set-ranges.ts");
      const { sortedSetPopRows } = require("./commands/sorted-set-pops.ts");
      return [sortedSetRows, sortedSetRangeRows, sortedSetPopRows];
    },
  ),
  group(
    "zunion zinter zdiff zunionstore zinterstore zdiffstore zintercard bzpopmin bzpopmax " +
      "bzmpop",
    () => {
      const { sortedSetAlgebraRows } = require("./commands/sorted-set-algebra.ts");
      const { blockingSortedSetRows } = require("./commands/blocking-sorted-sets.ts");
      return [sortedSetAlgebraRows, blockingSortedSetRows];
    },
  ),
  group("xadd xlen xtrim xsetid xrange xrevrange xdel xdelex xackdel", () => {
    const { streamRows } = require("./commands/streams.ts");
    const { streamRangeRows } = require("./commands/stream-ranges.ts");
    const { streamDeleteRows } = require("./commands/stream-delete.ts");
    return [streamRows, streamRangeRows, streamDeleteRows];
  }),
  group("xread xreadgroup xgroup xack xpending xclaim xautoclaim xinfo", () => {
    const { streamReadRows } = require("./commands/stream-read.ts");
    const { streamGroupRows } = require("./commands/stream-groups.ts");
    const { streamPendingRows } = require("./commands/stream-pending.ts");
    const { streamClaimRows } = require("./commands/stream-claim.ts");
    const { streamInfoRows } = require("./commands/stream-info.ts");
    return [streamReadRows, streamGroupRows, streamPendingRows, streamClaimRows, streamInfoRows];
  }),
  group(
    "setbit getbit bitcount bitpos bitfield bitfield_ro bitop pfadd pfcount pfmerge " +
      "pfdebug pfselftest",
    () => {
      const { bitmapRows } = require("./commands/bitmaps.ts");
      const { bitfieldRows } = require("./commands/bitfield.ts");
      const { bitopRows } = require("./commands/bitop.ts");
      const { hyperloglogRows } = require("./commands/hyperloglogs.ts");
      return [bitmapRows, bitfieldRows, bitopRows, hyperloglogRows];
    },
  ),
  group(
    "geoadd geodist geohash geopos geosearch geosearchstore georadius georadius_ro " +
      "georadiusbymember georadiusbymember_ro",
    () => {
      const { geoRows } = require("./commands/geo.ts");
      const { geoSearchRows } = require("./commands/geo-search-rows.ts");
      return [geoRows, geoSearchRows];
    },
  ),
  group("sort sort_ro", () => {
    const { sortRows } = require("./commands/sort.ts");
    return [sortRows];
  }),
  group("acl slowlog latency", () => {
    const { aclRows } = require("./commands/acl.ts");
    const { slowLogRows } = require("./commands/slow-log-commands.ts");
    const { latencyRows } = require("./commands/latency.ts");
    return [aclRows, slowLogRows, latencyRows];
  }),
  group("dump restore restore-asking migrate", () => {
    const { dumpRows } = require("./persistence/dump.ts");
    const { migrateRows } = require("./persistence/migrate.ts");
    return [dumpRows, migrateRows];
  }),
  group("save bgsave lastsave bgrewriteaof waitaof wait", () => {
    const { saveRows } = require("./persistence/save.ts");
    const { aofRows } = require("./persistence/aof-commands.ts");
    const { waitAofRows } = require("./persistence/wait-aof.ts");
    const { waitRows } = require("./commands/wait.ts");
    return [saveRows, aofRows, waitAofRows, waitRows];
  }),
  group("debug", () => {
    const { debugRows } = require("./commands/debug.ts");
    return [debugRows];
  }),
];

/** The rows of all commands, all of them loaded. */
export function allRows(): CommandRow[] {
  return [...FIRST_ROWS, ...LATE_ROWS.flatMap(({ rows }) => rows())];
}

/** The names of all commands, nothing loaded. */
export function allNames(): string[] {
  return [...FIRST_ROWS.map(({ name }) => name), ...LATE_ROWS.flatMap(({ names }) => names)];
}
