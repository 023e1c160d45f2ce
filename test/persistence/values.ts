/** Command lines that make keys of every type and encoding, random in content, the same for every server. */
import type { Random } from "../../src/base/random.ts";
import { pick } from "../support/seed.ts";

type Line = readonly string[];

/** A string of bytes: text, an integer, something to compress, or anything. */
export function randomText(random: Random, sizeMax: number): string {
  const size = random.below(sizeMax + 1);
  const kind = random.below(5);
  if (kind === 0) return String(random.int32());
  if (kind === 1)
    return `${random.below(2) === 0 ? "-" : ""}${random.below(1e9)}${random.below(1e9)}`;
  const letters = kind === 2 ? 256 : 3 + random.below(20);
  const base = kind === 2 ? 0 : 97;
  let text = "";
  for (let i = 0; i < size; i++) text += String.fromCharCode(base + random.below(letters));
  return text;
}

/** Lines that make the key `<prefix><kind>` for every kind of value that there is. */
export function everyKind(random: Random, prefix: string): Line[] {
  const lines: Line[] = [];
  const key = (name: string): string => `${prefix}${name}`;
  lines.push(["SET", key("int"), String(random.int32())]);
  lines.push(["SET", key("long"), `${random.int32()}${random.below(1e9)}`]);
  lines.push(["SET", key("short"), randomText(random, 44)]);
  lines.push(["SET", key("inline"), `s${randomText(random, 900)}`]);
  lines.push(["SET", key("blob"), `s${"ab".repeat(800)}${randomText(random, 9000)}`]);
  lines.push(["SETRANGE", key("raw"), String(random.below(30)), "x"]);
  lines.push(["PFADD", key("hll"), ...texts(random, 40, 10)]);
  for (const [name, count, size] of [
    ["packed", 1 + random.below(20), 40],
    ["large", 600 + random.below(200), 60],
    ["long", 3, 3000],
  ] as const) {
    lines.push(["RPUSH", key(`list ${name}`), ...texts(random, count, size)]);
    lines.push(["SADD", key(`set ${name}`), "x", ...texts(random, count, size)]);
    const pairs = texts(random, count, size).flatMap((text) => [text, randomText(random, size)]);
    lines.push(["HSET", key(`hash ${name}`), ...pairs]);
    const scored = texts(random, count, size).flatMap((text) => [score(random), text]);
    lines.push(["ZADD", key(`zset ${name}`), ...scored]);
  }
  lines.push(["SADD", key("intset 2"), ...integers(random, 20, 30_000)]);
  lines.push(["SADD", key("intset 4"), ...integers(random, 20, 2_000_000_000)]);
  lines.push(["SADD", key("intset 8"), ...integers(random, 20, 2 ** 50)]);
  lines.push(["SADD", key("intset large"), ...integers(random, 700, 2 ** 50)]);
  lines.push(["RPUSH", key("list of a giant"), "y".repeat(70_000), "z"]);
  lines.push(...stream(random, key("stream")));
  lines.push(["XADD", key("stream empty"), "7-7", "f", "v"], ["XDEL", key("stream empty"), "7-7"]);
  lines.push(["XGROUP", "CREATE", key("stream empty"), "g", "$"]);
  return lines;
}

/** Lines that make one key of a random type, mostly small, which may expire, far from now. */
export function randomKey(random: Random, key: string): Line[] {
  const lines: Line[] = [];
  const count = random.below(50) === 0 ? 100 + random.below(600) : 1 + random.below(12);
  const size = random.below(30) === 0 ? 3000 : 40;
  switch (random.below(7)) {
    case 0:
      lines.push(["SET", key, randomText(random, size)]);
      break;
    case 1:
      lines.push(["RPUSH", key, ...texts(random, count, size)]);
      break;
    case 2:
      lines.push(["SADD", key, ...texts(random, count, size)]);
      break;
    case 3:
      lines.push(["SADD", key, ...integers(random, count, 10 ** (1 + random.below(14)))]);
      break;
    case 4: {
      const pairs = texts(random, count, size).flatMap((text) => [text, randomText(random, size)]);
      lines.push(["HSET", key, ...pairs]);
      break;
    }
    case 5: {
      const scored = texts(random, count, size).flatMap((text) => [score(random), text]);
      lines.push(["ZADD", key, ...scored]);
      break;
    }
    default:
      lines.push(...smallStream(random, key, count));
  }
  if (random.below(3) === 0) {
    lines.push(["PEXPIREAT", key, String(4e12 + random.below(1e12))]);
  }
  return lines;
}

function smallStream(random: Random, key: string, count: number): Line[] {
  const lines: Line[] = [];
  for (let i = 1; i <= count; i++) {
    lines.push(["XADD", key, `${i * 2}-${random.below(3)}`, "f", randomText(random, 40)]);
  }
  lines.push(["XADD", key, `${count * 2 + 2}-1`, "last", "v"]);
  if (random.below(2) === 0) return lines;
  lines.push(["XGROUP", "CREATE", key, "g", "0"]);
  lines.push(["XREADGROUP", "GROUP", "g", "c1", "COUNT", "4", "STREAMS", key, ">"]);
  lines.push(["XREADGROUP", "GROUP", "g", "c2", "COUNT", "4", "STREAMS", key, ">"]);
  lines.push(["XDEL", key, "2-0", "2-1", `${count * 2 + 2}-1`]);
  return lines;
}

function stream(random: Random, key: string): Line[] {
  const lines: Line[] = [];
  const entries = 50 + random.below(400);
  for (let i = 1; i <= entries; i++) {
    const fields =
      random.below(4) === 0 ? ["other", randomText(random, 90)] : ["f", `${i}`, "g", "v"];
    lines.push(["XADD", key, `${i * 3}-${random.below(5)}`, ...fields]);
  }
  for (let i = 0; i < 10; i++) lines.push(["XDEL", key, `${(1 + random.below(entries)) * 3}-1`]);
  for (const group of ["g1", "g2", "empty"]) lines.push(["XGROUP", "CREATE", key, group, "0"]);
  for (const consumer of ["c1", "c2", "c3"]) {
    lines.push(["XREADGROUP", "GROUP", "g1", consumer, "COUNT", "20", "STREAMS", key, ">"]);
    lines.push(["XREADGROUP", "GROUP", "g2", consumer, "COUNT", "7", "STREAMS", key, ">"]);
  }
  lines.push(["XACK", key, "g1", "6-0", "6-1", "6-2", "9-0"]);
  return lines;
}

function texts(random: Random, count: number, sizeMax: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    random.below(4) === 0 ? `element ${index}` : randomText(random, sizeMax),
  );
}

function integers(random: Random, count: number, bound: number): string[] {
  return Array.from({ length: count }, () =>
    String(random.below(2) * -1 * random.below(9) + random.below(bound)),
  );
}

function score(random: Random): string {
  return pick(random, [
    String(random.int32()),
    String(random.int32() / 7),
    "inf",
    "-inf",
    "0.1",
    "1e300",
  ]);
}
