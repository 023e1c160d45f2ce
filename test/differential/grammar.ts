/**
 * Commands made from redis-server's COMMAND DOCS: for every command that both servers have, its arguments as a tree, and from
 * that tree random command lines or one with a certain argument in it. No command is listed here, except those that can't
 * take part.
 */
import type { Random } from "../../src/base/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { pick } from "../support/seed.ts";
import type { Compare } from "./case.ts";

/** An argument of COMMAND DOCS. */
export interface DocArgument {
  readonly name: string;
  readonly type: string;
  readonly token: string | null;
  readonly optional: boolean;
  readonly multiple: boolean;
  readonly multipleToken: boolean;
  readonly children: readonly DocArgument[];
}

export interface DocCommand {
  /** "set", "object|encoding". */
  readonly name: string;
  /** "string", "generic". */
  readonly group: string;
  readonly arguments: readonly DocArgument[];
}

/** Groups whose commands take part as a whole; what each leaves out stands in `LEFT_OUT`. */
const GROUPS: ReadonlySet<string> = new Set([
  "string",
  "generic",
  "hash",
  "set",
  "hyperloglog",
  "geo",
  "list",
  "sorted-set",
  "stream",
]);

/** Commands of other groups that take part. */
const OTHERS: ReadonlySet<string> = new Set([
  "bitcount",
  "bitfield",
  "bitfield_ro",
  "bitop",
  "bitpos",
  "dbsize",
  "echo",
  "flushall",
  "flushdb",
  "getbit",
  "memory|usage",
  "ping",
  "select",
  "swapdb",
]);

/**
 * Talks to another server, waits for replicas, takes seconds, changes a key by chance, or answers for ever when it is asked
 * for 2^63 - 1 elements. SORT unpacks what it sorts in Redis, and leaves a set that it does not sort in any order.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "hrandfield",
  "migrate",
  "pfselftest",
  "sort",
  "sort_ro",
  "spop",
  "srandmember",
  "wait",
  "waitaof",
  ...["blpop", "brpop", "blmove", "blmpop", "brpoplpush"],
  ...["bzpopmin", "bzpopmax", "bzmpop", "zrandmember"],
  // XSETID refuses more since 7.2.
  ...["xread", "xreadgroup", "xsetid"],
]);

/** Commands whose answers can't be equal to the last byte. */
const COMPARES: Readonly<Record<string, Compare>> = {
  // Tables have an order of their own; test/persistence/dump.test.ts compares the bytes of the others.
  dump: "type",
  randomkey: "type",
  sdiff: "unordered",
  sinter: "unordered",
  smembers: "unordered",
  sscan: "type",
  zscan: "type",
  sunion: "unordered",
  scan: "type",
  keys: "unordered",
  hgetall: "unordered",
  hkeys: "unordered",
  hvals: "unordered",
  hscan: "type",
  ttl: { near: 2 },
  pttl: { near: 5000 },
  expiretime: { near: 2 },
  pexpiretime: { near: 5000 },
  "object|idletime": { near: 2 },
  "memory|usage": "type",
  xpending: "type",
  "xinfo|stream": "type",
  "xinfo|consumers": "type",
};

export function compareOf(name: string): Compare {
  return COMPARES[name] ?? (/^b?z/.test(name) ? "doubles" : "exact");
}

export const EDGE_NUMBERS: readonly string[] = [
  "-9223372036854775808",
  "-9223372036854775807",
  "-1",
  "0",
  "2147483648",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "1e308",
  "nan",
  "inf",
  "0x10",
  " 1",
  "",
];

export const KEYS: readonly string[] = ["a", "b", "c", "key:\xff\x00", ""];
const PATTERNS: readonly string[] = ["*", "?", "[a-c]", "k*", "*\\*", "[^a]", "", "a"];
const INTEGERS: readonly string[] = ["0", "1", "2", "3", "-1", "-2", "7", "10", "100", "-100"];
const FLOATS: readonly string[] = [
  "0",
  "1.5",
  "-2.25",
  "3.0e2",
  "1e-5",
  "0.1",
  "+1",
  "-0",
  "5e-324",
];
/** Neither soon enough to run out during the test, in seconds and in milliseconds, nor only errors. */
const TIMES: readonly string[] = ["100000", "3000000", "4000000000", "4000000000000"];
const STRINGS: readonly string[] = [
  ...["", "0", "1", "-1", "10", "12345678901234567890", "9223372036854775806", "3.0", "0.1"],
  ...["abc", "ABC", "x".repeat(44), "y".repeat(45), "\x00\xff\r\n", "hello world", "+5", "-0"],
  ...["00", "1.0e10", "5e-324", "-9223372036854775808", "z".repeat(300)],
];

/** Whether a command works on data. */
export function isOfData(name: string, group: string): boolean {
  return GROUPS.has(group) || OTHERS.has(name);
}

function takesPart(name: string, group: string): boolean {
  return isOfData(name, group) && !LEFT_OUT.has(name);
}

/**
 * The commands that both servers have and that can take part.
 * @param server whose COMMAND DOCS are read; it must speak RESP3
 * @param ours whether Hutch has a command
 * @param wanted whether a command takes part, by its name and group
 */
export async function readDocs(
  server: Pick<RespClient, "call">,
  ours: (name: string) => boolean,
  wanted: (name: string, group: string) => boolean = takesPart,
): Promise<DocCommand[]> {
  const docs: DocCommand[] = [];
  const collect = (name: string, doc: Map<string, RespValue>): void => {
    const subcommands = doc.get("subcommands");
    if (subcommands !== undefined) {
      for (const [sub, value] of fields(subcommands)) collect(sub, fields(value));
      return;
    }
    const group = text(doc.get("group"));
    if (!wanted(name, group) || name.endsWith("|help") || !ours(name)) return;
    docs.push({ name, group, arguments: items(doc.get("arguments")).map(toArgument) });
  };
  for (const [name, doc] of fields(await server.call("COMMAND", "DOCS")))
    collect(name, fields(doc));
  return docs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The words of random lines. */
export interface Vocabulary {
  /** The keys of a command. */
  keysOf(command: DocCommand): readonly string[];
  /** The word for an argument, or null if any of its type will do. */
  wordOf(random: Random, argument: DocArgument): string | null;
}

/** Few keys for all commands, so that every command meets every type. */
const COMMON: Vocabulary = { keysOf: () => KEYS, wordOf: () => null };

/** A random command line; usually a right one. */
export function randomCommand(
  random: Random,
  docs: readonly DocCommand[],
  vocabulary: Vocabulary = COMMON,
): RandomCommand {
  const command = pick(random, docs);
  const words: Words = { keys: vocabulary.keysOf(command), wordOf: vocabulary.wordOf };
  const names = command.name.split("|");
  if (random.below(2) === 0) names[0] = names[0]!.toUpperCase();
  const optional = command.arguments.filter((argument) => argument.optional);
  const line = [...names, ...randomArguments(random, command.arguments, words)];
  switch (random.below(30)) {
    case 0:
      if (line.length > names.length) line.pop();
      break;
    case 1:
      line.push(pick(random, [...STRINGS, ...INTEGERS]));
      break;
    case 2:
      line[names.length + random.below(line.length - names.length + 1)] = pick(
        random,
        EDGE_NUMBERS,
      );
      break;
    case 3:
      // An option again, or one of those that exclude it.
      if (optional.length > 0) line.push(...randomArgument(random, pick(random, optional), words));
      break;
  }
  return { line, compare: compareOf(command.name) };
}

export interface RandomCommand {
  readonly line: readonly string[];
  readonly compare: Compare;
}

/** The numeric arguments of a command: each as the path from the command to the argument. */
export function numericPaths(command: DocCommand): DocArgument[][] {
  const paths: DocArgument[][] = [];
  const walk = (argument: DocArgument, above: readonly DocArgument[]): void => {
    const path = [...above, argument];
    if (["integer", "double", "unix-time"].includes(argument.type)) paths.push(path);
    for (const child of argument.children) walk(child, path);
  };
  for (const argument of command.arguments) walk(argument, []);
  return paths;
}

/** The shortest line of the command that has the last argument of `path`, with `value` there. */
export function lineWith(
  command: DocCommand,
  path: readonly DocArgument[],
  value: string,
): string[] {
  const wanted = new Set(path);
  const render = (argument: DocArgument): string[] => {
    const token = argument.token === null ? [] : [argument.token];
    if (argument === path.at(-1)) return [...token, value];
    if (argument.type === "pure-token") return token;
    if (argument.type === "oneof") {
      const chosen = argument.children.find((child) => wanted.has(child)) ?? argument.children[0]!;
      return [...token, ...render(chosen)];
    }
    if (argument.type === "block") {
      return [...token, ...argument.children.filter(isNeeded).flatMap(render)];
    }
    return [...token, plainValue(argument)];
  };
  const isNeeded = (argument: DocArgument): boolean => !argument.optional || wanted.has(argument);
  return [...command.name.split("|"), ...command.arguments.filter(isNeeded).flatMap(render)];
}

function plainValue(argument: DocArgument): string {
  if (argument.type === "key") return "a";
  if (argument.type === "pattern") return "*";
  if (argument.type === "unix-time") return "4000000000000";
  return isTime(argument) ? "100000" : "1";
}

function isTime(argument: DocArgument): boolean {
  return argument.type === "unix-time" || /^(milli)?seconds$/.test(argument.name);
}

/** What a line is made of. */
interface Words {
  readonly keys: readonly string[];
  readonly wordOf: Vocabulary["wordOf"];
}

function randomArguments(random: Random, list: readonly DocArgument[], from: Words): string[] {
  const required: string[] = [];
  const options: string[][] = [];
  for (const [index, argument] of list.entries()) {
    if (argument.optional && random.below(5) >= 2) continue;
    const before = list[index - 1];
    const words =
      before?.name === "numkeys" && argument.type === "key" && !before.optional
        ? countedKeys(random, required, from.keys)
        : randomArgument(random, argument, from);
    // Options that stand at the end may come in any order.
    if (argument.optional && list.slice(index).every((later) => later.optional))
      options.push(words);
    else required.push(...words);
  }
  for (let i = options.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [options[i], options[j]] = [options[j]!, options[i]!];
  }
  return [...required, ...options.flat()];
}

/** Keys for the count that was just written, which is mostly made to fit. */
function countedKeys(random: Random, written: string[], from: readonly string[]): string[] {
  const keys = Array.from({ length: 1 + random.below(3) }, () => pick(random, from));
  if (random.below(10) > 0) written[written.length - 1] = `${keys.length}`;
  return keys;
}

function randomArgument(random: Random, argument: DocArgument, from: Words): string[] {
  const times = argument.multiple ? 1 + random.below(3) : 1;
  const words: string[] = [];
  for (let i = 0; i < times; i++) {
    if (argument.token !== null && (i === 0 || argument.multipleToken)) {
      words.push(random.below(3) === 0 ? argument.token.toLowerCase() : argument.token);
    }
    words.push(...randomContent(random, argument, from));
  }
  return words;
}

function randomContent(random: Random, argument: DocArgument, from: Words): string[] {
  const word = from.wordOf(random, argument);
  if (word !== null) return [word];
  switch (argument.type) {
    case "pure-token":
      return [];
    case "oneof":
      // Ids made from the clock differ.
      return randomArgument(
        random,
        pick(
          random,
          argument.children.filter((child) => child.name !== "auto_id"),
        ),
        from,
      );
    case "block":
      return randomArguments(random, argument.children, from);
    case "key":
      return [pick(random, from.keys)];
    case "pattern":
      return [pick(random, PATTERNS)];
    case "integer":
    case "unix-time":
      if (isTime(argument)) return [pick(random, random.below(4) === 0 ? EDGE_NUMBERS : TIMES)];
      return [pick(random, random.below(4) === 0 ? EDGE_NUMBERS : INTEGERS)];
    case "double":
      return [pick(random, random.below(4) === 0 ? EDGE_NUMBERS : FLOATS)];
    case "string":
      if (argument.name === "id" && random.below(4) > 0) return [pick(random, INTEGERS)];
      return [pick(random, random.below(4) === 0 ? EDGE_NUMBERS : STRINGS)];
    default:
      return [pick(random, random.below(4) === 0 ? EDGE_NUMBERS : STRINGS)];
  }
}

function toArgument(value: RespValue): DocArgument {
  const doc = fields(value);
  const flags = new Set(items(doc.get("flags")).map(text));
  return {
    name: text(doc.get("name")),
    type: text(doc.get("type")),
    token: doc.has("token") ? text(doc.get("token")) : null,
    optional: flags.has("optional"),
    multiple: flags.has("multiple"),
    multipleToken: flags.has("multiple_token"),
    children: items(doc.get("arguments")).map(toArgument),
  };
}

/** The entries of a map; the client must speak RESP3. */
function fields(value: RespValue): Map<string, RespValue> {
  if (value.type !== "map") throw new Error(`not a map but ${value.type}`);
  return new Map(value.items.map(([key, item]) => [text(key), item]));
}

function items(value: RespValue | undefined): readonly RespValue[] {
  return value?.type === "array" || value?.type === "set" ? value.items : [];
}

function text(value: RespValue | undefined): string {
  return value !== undefined && "text" in value ? value.text : "";
}
