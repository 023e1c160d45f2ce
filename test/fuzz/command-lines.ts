/**
 * Random command lines over few keys: of every command of a COMMAND DOCS, by its arguments, with words that make commands meet
 * (keys named by type, the same groups, consumers, members and ids again and again), and lines that run or examine another line:
 * in a script, in a function, in a transaction, by COMMAND GETKEYS.
 */
import type { Random } from "../../src/base/random.ts";
import type { DocArgument, DocCommand, Vocabulary } from "../differential/grammar.ts";
import { EDGE_NUMBERS, isOfData, randomCommand, readDocs } from "../differential/grammar.ts";
import type { RespClient } from "../support/resp-client.ts";
import { pick } from "../support/seed.ts";

/** Keys that commands of a group mostly take. */
const KEYS_OF: Readonly<Record<string, readonly string[]>> = {
  string: ["s1", "s2", "s3"],
  bitmap: ["s1", "b1"],
  hyperloglog: ["p1", "p2"],
  list: ["l1", "l2"],
  set: ["t1", "t2", "t3"],
  hash: ["h1", "h2"],
  "sorted-set": ["z1", "z2", "z3"],
  geo: ["g1", "g2", "z1"],
  stream: ["x1", "x2"],
};
/** All keys that lines name on purpose. */
export const ALL_KEYS: readonly string[] = [
  ...new Set(Object.values(KEYS_OF).flat()),
  ...["", "key:\xff\x00", "__proto__"],
];
/** One key in so many is of any type. */
const STRANGE_KEY = 6;

const GROUPS = ["g", "group 2", "__proto__"];
const CONSUMERS = ["c", "d", "constructor"];
const MEMBERS = ["a", "b", "c", "d", "e", "1", "2", "3", "17", "toString", "\xff\0"];
const IDS = ["1-1", "1-2", "2-1", "3-0", "5", "0", "100-1", "-", "+", "$", ">", "0-0"];
const BITS = ["u8", "i5", "u1", "i64", "u63", "u64", "i0", "x8"];
/** The default one, whom all lines come from, is changed rarely: who may do nothing shows little. */
const USERS = [..."u1 u2 u3 u1 u2 u3 u1 u2 u3 u1 u2 u3".split(" "), "__proto__", "default"];
const CHANNELS = ["c1", "c2", "toString"];
const RULES: readonly string[] = [
  ...["on", "off", "nopass", ">pass", "<pass", "resetpass", "allkeys", "~t*", "%R~s*", "%W~h*"],
  ...[
    "resetkeys",
    "&c*",
    "allchannels",
    "resetchannels",
    "+@all",
    "-@all",
    "+get",
    "-set",
    "reset",
  ],
  ...["+@read", "-@dangerous", "+config|get", "-client|id", "+select|0", "clearselectors"],
  ...["(+get ~s1)", "(", "+nosuch", "+@nosuch", "~", "nonsense", "sanitize-payload"],
];
/** Far enough away that nothing expires by itself. */
const FAR = ["0", "-1", "100000000", "4000000000000"];

/** Options that decide how values are kept; set to others and back. */
export const ENCODING_OPTIONS: readonly (readonly [name: string, standard: string])[] = [
  ["hash-max-listpack-entries", "512"],
  ["hash-max-listpack-value", "64"],
  ["set-max-intset-entries", "512"],
  ["zset-max-listpack-entries", "128"],
  ["zset-max-listpack-value", "64"],
  ["list-max-listpack-size", "-2"],
  ["stream-node-max-entries", "100"],
  ["stream-node-max-bytes", "4096"],
  ["hll-sparse-max-bytes", "3000"],
];

const SCRIPTS: readonly string[] = [
  "return redis.call(unpack(ARGV))",
  "return redis.pcall(unpack(ARGV))",
  "local r = redis.pcall(unpack(ARGV)) if type(r) == 'table' and r.err then return r.err end return 1",
  "for i = 1, 3 do redis.pcall(unpack(ARGV)) end return #ARGV",
];
const LIBRARY =
  "#!lua name=lib\nredis.register_function('f', function(keys, args) return redis.call(unpack(args)) end)\n" +
  "redis.register_function{function_name='r', flags={'no-writes'}, callback=function(keys, args) return redis.call(unpack(args)) end}";

/** Lines of commands that take another line, beside those of the table. */
const WHOLE: readonly (readonly string[])[] = [
  ["DISCARD"],
  ["UNWATCH"],
  ["SCRIPT", "EXISTS", sha1(SCRIPTS[0]!), "x"],
  ["SCRIPT", "LOAD", SCRIPTS[0]!],
  ["SCRIPT", "FLUSH"],
  ["FUNCTION", "LOAD", LIBRARY],
  ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
  ["FUNCTION", "DELETE", "lib"],
  ["FUNCTION", "FLUSH"],
  ["COMMAND", "COUNT", "x"],
  ["DBSIZE"],
];

function sha1(text: string): string {
  return new Bun.CryptoHasher("sha1").update(text).digest("hex");
}

const VOCABULARY: Vocabulary = {
  keysOf({ group }) {
    const own = KEYS_OF[group] ?? ALL_KEYS;
    const keys: string[] = [];
    for (let i = 1; i < STRANGE_KEY; i++) keys.push(...own);
    return [...keys, ...ALL_KEYS.slice(0, own.length)];
  },
  wordOf,
};

/** The word for an argument that most random ones of its type would be wasted on; now and then any is taken. */
function wordOf(random: Random, { name, type, children }: DocArgument): string | null {
  if (children.length > 0 || type === "pure-token") return null;
  switch (name) {
    case "ttl":
      return pick(random, FAR);
    case "min-idle-time":
      return pick(random, ["0", "-1", "100000000", "x"]);
    case "timeout":
    case "milliseconds":
      // Commands that wait are told to go on by who sends them.
      return type === "double" ? pick(random, ["0", "1.5", "300", "-1", "nan", "1e308"]) : null;
    case "index1":
    case "index2":
    case "db":
    case "destination-db":
      return pick(random, ["0", "1", "2", "-1", "16", "x"]);
  }
  if (random.below(8) === 0) return null;
  switch (name) {
    case "group":
    case "groupname":
      return pick(random, GROUPS);
    case "consumer":
    case "consumername":
      return pick(random, CONSUMERS);
    case "field":
    case "member":
    case "member1":
    case "member2":
    case "element":
    case "pivot":
      return pick(random, MEMBERS);
    case "id":
    case "start":
    case "end":
    case "last-id":
      return type === "string" ? pick(random, IDS) : null;
    case "encoding":
      return pick(random, BITS);
    case "operation":
      return type === "string" ? pick(random, ["and", "OR", "XOR", "NOT"]) : null;
    case "longitude":
    case "latitude":
    case "radius":
    case "width":
    case "height":
      return pick(random, ["0", "1", "13.36", "38.11", "-85", "179.9", "500", "-1"]);
    case "min":
    case "max":
      return type === "string"
        ? pick(random, ["-", "+", "[a", "(b", "[", "(1", "[toString", "a"])
        : pick(random, ["-inf", "+inf", "0", "(1", "2", "100", "x"]);
    case "username":
      return pick(random, USERS);
    case "rule":
      return pick(random, RULES);
    case "channel":
    case "shardchannel":
      return pick(random, CHANNELS);
    case "sha1":
      return sha1(SCRIPTS[0]!);
    default:
      return null;
  }
}

export interface CommandSource {
  /** Whose COMMAND DOCS are read; it must speak RESP3. */
  readonly server: Pick<RespClient, "call">;
  /** Whether both sides have a command. */
  readonly has: (name: string) => boolean;
  /** Whether a command takes part, by its name and group, if it does not work on data; those do. */
  readonly others: ReadonlySet<string>;
  /** Commands that do not take part. */
  readonly leftOut: ReadonlySet<string>;
}

export class CommandLines {
  readonly #docs: readonly DocCommand[];
  /** Payloads for RESTORE. */
  readonly #payloads: readonly string[];

  private constructor(docs: readonly DocCommand[], payloads: readonly string[]) {
    this.#docs = docs;
    this.#payloads = payloads;
  }

  /** @param payloads that RESTORE may be given, one character a byte */
  static async read(source: CommandSource, payloads: readonly string[]): Promise<CommandLines> {
    const wanted = (name: string, group: string): boolean =>
      (isOfData(name, group) || source.others.has(name)) && !source.leftOut.has(name);
    return new CommandLines(await readDocs(source.server, source.has, wanted), payloads);
  }

  /** How many commands there are. */
  get commands(): number {
    return this.#docs.length;
  }

  /** Lines to be run one after another: mostly one. */
  next(random: Random): (readonly string[])[] {
    const kind = random.below(200);
    if (kind < 8) return [scripted(random, this.#line(random))];
    if (kind < 10) return [pick(random, WHOLE)];
    if (kind < 12)
      return [["COMMAND", pick(random, ["GETKEYS", "GETKEYSANDFLAGS"]), ...this.#line(random)]];
    if (kind < 13) return [["ACL", "DRYRUN", pick(random, USERS), ...this.#line(random)]];
    if (kind < 15) return [encodingOption(random)];
    if (kind < 17) return this.#transaction(random);
    if (kind < 19) return [["DEBUG", "DIGEST-VALUE", ...ALL_KEYS]];
    if (kind < 21 && this.#payloads.length > 0) return [this.#restore(random)];
    return [this.#line(random)];
  }

  #line(random: Random): readonly string[] {
    const { line } = randomCommand(random, this.#docs, VOCABULARY);
    const name = line[0]!.toLowerCase();
    // Strings of 256 MB would take all the time.
    if (/^(setbit|bitfield|setrange)$/.test(name)) {
      return line.map((word) => (word === "2147483648" ? "4294967296" : word));
    }
    // So many elements have no end.
    if (/rand/.test(name)) {
      return line.map((word) => (word === "-9223372036854775807" ? "-7" : word));
    }
    // Without sources redis-server lets everybody write the key.
    if (name === "pfmerge" && line.length === 2) return [...line, line[1]!];
    // Newer versions take an option more, which a transaction finds out too late.
    return /^(zrank|zrevrank|object)$/.test(name) ? line.slice(0, 3) : line;
  }

  #restore(random: Random): string[] {
    const line = [
      "RESTORE",
      pick(random, ALL_KEYS),
      pick(random, FAR),
      pick(random, this.#payloads),
    ];
    if (random.below(3) > 0) line.push("REPLACE");
    if (random.below(4) === 0) line.push("ABSTTL");
    return line;
  }

  #transaction(random: Random): (readonly string[])[] {
    const inner: (readonly string[])[] = [];
    if (random.below(3) === 0) inner.push(["WATCH", pick(random, ALL_KEYS)]);
    if (random.below(3) === 0) inner.push(this.#line(random));
    inner.push(["MULTI"]);
    for (let left = random.below(8); left > 0; left--) inner.push(this.#line(random));
    inner.push([random.below(8) === 0 ? "DISCARD" : "EXEC"]);
    return inner;
  }
}

/** A line that runs another one in a script or a function. */
function scripted(random: Random, line: readonly string[]): string[] {
  const keys = random.below(3) === 0 ? [pick(random, ALL_KEYS)] : [];
  const rest = [`${keys.length}`, ...keys, ...line];
  switch (random.below(8)) {
    case 0:
      return ["EVALSHA", sha1(SCRIPTS[0]!), ...rest];
    case 1:
      return ["FCALL", "f", ...rest];
    case 2:
      return ["FCALL_RO", pick(random, ["f", "r"]), ...rest];
    case 3:
      return ["EVAL_RO", pick(random, SCRIPTS), ...rest];
    default:
      return ["EVAL", pick(random, SCRIPTS), ...rest];
  }
}

function encodingOption(random: Random): string[] {
  const [name, standard] = pick(random, ENCODING_OPTIONS);
  const value = pick(random, ["0", "1", "2", "5", "16", standard, pick(random, EDGE_NUMBERS)]);
  return ["CONFIG", "SET", name, value];
}
