/** What the section `elements` fills servers with: packed small collections, one big collection of each type, strings with a TTL. */
import { VALUE_SIZE } from "../rig/requests.ts";
import { digits } from "./type-operations.ts";

export interface ElementKind {
  readonly name: string;
  /** At most so many of redis-server's resident bytes per element. */
  readonly limit: number;
  /** Elements that one command adds. */
  readonly perCommand: number;
  /** The command that adds the elements from number `index * perCommand` on. */
  readonly command: (index: number) => readonly string[];
}

const VALUE: string = "x".repeat(VALUE_SIZE);
/** Elements of a small collection: far from the limits of all packed encodings. */
const SMALL = 20;
const SMALL_MOST = 1.05;
const BIG_MOST = 0.65;
const CHAIN_MOST = 1.05;
const STRING_MOST = 0.65;

type ElementOf = (index: number) => readonly string[];

/** Many collections of 20 elements, each made by one command. */
function small(name: string, command: string, element: ElementOf): ElementKind {
  return {
    name: `small ${name}`,
    limit: SMALL_MOST,
    perCommand: SMALL,
    command: (index) => {
      const elements = Array.from({ length: SMALL }, (_, i) => element(index * SMALL + i));
      return [command, `${name}:${digits(index)}`, ...elements.flat()];
    },
  };
}

/** One collection that gets an element with each command. */
function big(name: string, limit: number, command: string, element: ElementOf): ElementKind {
  return {
    name: `one ${name}`,
    limit,
    perCommand: 1,
    command: (index) => [command, name, ...element(index)],
  };
}

const member = (i: number): string => `element:${digits(i)}`;

export const ELEMENT_KINDS: readonly ElementKind[] = [
  small("lists", "RPUSH", () => [VALUE]),
  small("hashes", "HSET", (i) => [`field:${i % SMALL}`, VALUE]),
  small("sets", "SADD", (i) => [`member:${digits(i)}`]),
  small("integer sets", "SADD", (i) => [String(i * 7)]),
  small("sorted sets", "ZADD", (i) => [String(i), `member:${i % SMALL}`]),
  big("hash", BIG_MOST, "HSET", (i) => [member(i), VALUE]),
  big("set", BIG_MOST, "SADD", (i) => [member(i)]),
  big("sorted set", BIG_MOST, "ZADD", (i) => [String((i * 7919) % 1_000_003), member(i)]),
  big("list", CHAIN_MOST, "RPUSH", () => [VALUE]),
  big("stream", CHAIN_MOST, "XADD", (i) => [`${1_700_000_000_000 + i}-0`, "field", VALUE]),
  {
    name: "strings with a TTL",
    limit: STRING_MOST,
    perCommand: 1,
    command: (index) => [
      "SET",
      `key:${digits(index)}`,
      VALUE,
      "EX",
      String(100_000 + (index % 1000)),
    ],
  },
];
