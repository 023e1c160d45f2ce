/** HyperLogLogs: the same bytes in the keys after the same commands, the same estimates, the same view of damaged ones. */
import type { Random } from "../../../src/base/random.ts";
import { pick, seeded } from "../../support/seed.ts";
import type { Case, Step } from "../case.ts";

const HEADER = "\0\0\0\0\0\0\0\0\0\0\0";

function sparse(runs: string): string {
  return `HYLL\x01${HEADER}${runs}`;
}

function dense(registers: string): string {
  return `HYLL\0${HEADER.slice(0, -1)}\x80${registers}`;
}

/** Strings that are no HyperLogLog, or one that nothing but a client's SET can have made. */
const CRAFTED: Readonly<Record<string, string>> = {
  empty: "",
  integer: "12345",
  "magic only": "HYLL",
  "header of dense": dense(""),
  "no runs": sparse(""),
  "unknown encoding": `HYLL\x02${HEADER}\x7f\xff`,
  "wrong magic": `HYLX\x01${HEADER}\x7f\xff`,
  "half an XZERO": sparse("\x7f"),
  "half an XZERO that fits": sparse("\x40\xfe\x7e\x00"),
  "too short": sparse("\x7f\xfe"),
  "too long": sparse("\x7f\xff\x00"),
  "twice too long": sparse("\x7f\xff\x7f\xff"),
  "a value over the end": sparse("\x7f\xfe\x83"),
  "a value at the end": sparse("\x7f\xfe\x84"),
  "zeros in small runs": sparse("\x3f".repeat(256)),
  "zeros in runs of one": sparse("\x00".repeat(16384)),
  "zeros in long runs of one": sparse("\x40\x00".repeat(16384)),
  "values to join": sparse(`${"\x80".repeat(300)}\x7e\xd3`),
  "values in fours": sparse("\x83".repeat(4096)),
  "largest values": sparse("\xff".repeat(4096)),
  "dense, all zero": dense("\0".repeat(12288)),
  "dense, all ones": dense("\xff".repeat(12288)),
  "dense, values of 51": dense("\xf3\x3c\xcf".repeat(4096)),
  "dense, values of 50": dense("\xb2\x2c\xcb".repeat(4096)),
  "dense, mixed": dense("\x41\x10\x05\x00\xb2\x0c".repeat(2048)),
  "dense and one byte": dense("\0".repeat(12289)),
};

/** What is done to each of them. */
function touch(value: string): readonly Step[] {
  const steps: Step[] = ["PFADD h x y z"];
  for (const line of [
    ...["PFCOUNT k", "PFCOUNT k h", "PFADD k", "PFADD k a", "PFADD k a b c d e f", "PFMERGE m k h"],
    ...["PFMERGE k h", "PFMERGE k", "PFDEBUG ENCODING k", "PFDEBUG DECODE k", "PFDEBUG TODENSE k"],
    ...["PFDEBUG GETREG k", "PFDEBUG FOO k"],
  ]) {
    steps.push(["SET", "k", value, "EX", "1000"], line, "GET k", "OBJECT ENCODING k", "TTL k");
    steps.push("PFCOUNT k", "GET k", "EXISTS m", "GET m");
  }
  return steps;
}

function randomSteps(random: Random, elements: number, length: number): readonly Step[] {
  const keys = ["a", "b", "c", "d"];
  const steps: Step[] = [];
  for (let i = 0; i < length; i++) {
    const key = pick(random, keys);
    switch (random.below(12)) {
      case 0:
        steps.push(["PFCOUNT", key]);
        break;
      case 1:
        steps.push(["PFCOUNT", key, pick(random, keys), "none"]);
        break;
      case 2:
        steps.push(["PFMERGE", key, pick(random, keys), pick(random, keys)]);
        break;
      case 3:
        if (random.below(4) === 0) steps.push(["DEL", key]);
        break;
      default: {
        const added = Array.from({ length: random.below(30) }, () => {
          const name = `${random.below(elements)}`;
          return name.padStart(random.below(20), "xyz");
        });
        steps.push(["PFADD", key, ...added]);
      }
    }
    steps.push(["GET", key]);
  }
  return [...steps, ...keys.map((key): Step => ["PFCOUNT", key]), ["PFCOUNT", ...keys]];
}

/** One key with more and more elements: the estimate at every stage and in both forms. */
function growing(): readonly Step[] {
  const steps: Step[] = [];
  for (let i = 0, size = 1; i < 60_000; i += size, size = Math.ceil((i + 1) / 8)) {
    for (let from = i; from < i + size; from += 500) {
      const to = Math.min(i + size, from + 500);
      steps.push(["PFADD", "k", ...Array.from({ length: to - from }, (_, j) => `e:${from + j}`)]);
    }
    steps.push("PFCOUNT k", "GET k");
  }
  return steps;
}

const random = seeded("random HyperLogLogs");

function withLimit(limit: string): Case {
  return {
    name: `sparse values of at most ${limit} bytes`,
    protocols: [2],
    steps: [
      ["CONFIG", "SET", "hll-sparse-max-bytes", limit],
      ...randomSteps(random, 3000, 150),
      ...["a", "b", "c"].map((key): Step => ["PFDEBUG", "ENCODING", key]),
    ],
    cleanup: ["CONFIG SET hll-sparse-max-bytes 3000"],
  };
}

export const cases: readonly Case[] = [
  ...Object.entries(CRAFTED).map(([name, value]): Case => ({
    name: `a crafted value: ${name}`,
    protocols: [2],
    steps: touch(value),
  })),
  ...[20, 300, 5000, 1_000_000].map((elements): Case => ({
    name: `random commands with ${elements} elements`,
    protocols: [2],
    steps: randomSteps(random, elements, 250),
  })),
  ...["0", "18", "21", "40", "100", "1000", "12304", "20000"].map(withLimit),
  { name: "one key with more and more elements", protocols: [2], steps: growing() },
  {
    name: "elements of every length",
    steps: Array.from({ length: 70 }, (_, length): Step[] => [
      ["PFADD", `k${length % 3}`, "\xff".repeat(length), "ab".repeat(length)],
      ["GET", `k${length % 3}`],
    ]).flat(),
  },
  {
    name: "creating, inspecting, wrong types",
    steps: [
      ...["PFADD new", "PFADD new", "GET new", "PFCOUNT new", "PFCOUNT none", "PFMERGE made"],
      ...["GET made", "PFMERGE made none", "OBJECT ENCODING made", "PFDEBUG DECODE made"],
      ...["PFADD h a b c", "PFDEBUG DECODE h", "PFDEBUG ENCODING h", "PFDEBUG TODENSE h", "GET h"],
      ...["PFDEBUG TODENSE h", "PFDEBUG DECODE h", "PFDEBUG GETREG h", "PFCOUNT h", "GET h"],
      ...[
        "PFADD g a",
        "PFDEBUG GETREG g",
        "PFDEBUG ENCODING g",
        "PFDEBUG FOO none",
        "PFDEBUG FOO g",
      ],
      ...["SET s abc", "PFADD s a", "PFCOUNT s", "PFCOUNT h s", "PFMERGE d s", "PFMERGE s h"],
      ...[
        "PFDEBUG FOO s",
        "PFADD",
        "PFCOUNT",
        "PFMERGE",
        "PFDEBUG",
        "PFDEBUG GETREG",
        "PFSELFTEST x",
      ],
      ...["PFADD t a", "EXPIRE t 1000", "PFADD t b", "TTL t", "PFMERGE t h", "TTL t"],
      ...[
        "PFADD c a b",
        "PFCOUNT c",
        "APPEND c x",
        "PFCOUNT c",
        "PFADD c d",
        "COPY h h2",
        "PFCOUNT h2",
      ],
    ],
  },
];
