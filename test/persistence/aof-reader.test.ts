/** Reading logs that are whole, torn at any byte, or damaged at any bit. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../src/commands/engine.ts";
import { addToCrc, MARK_SIZE, writeMark } from "../../src/persistence/aof-marks.ts";
import { AofDamaged, AofReader } from "../../src/persistence/aof-reader.ts";
import { EffectReplay } from "../../src/persistence/effect-replay.ts";
import { createEngine, dataOf, send } from "../effects/two-engines.ts";
import { encodeCommand } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";

const FLIPS = 3000 * rounds;

let folder = "";
let engine: Engine;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hutch-aof-"));
  engine = createEngine();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  engine.keyspace.release();
});

interface Outcome {
  readonly damaged: AofDamaged | null;
  readonly torn: boolean;
  readonly validTo: number;
  readonly crc: number;
  readonly data: string[];
}

/** Reads a file of these bytes into empty databases. */
function read(bytes: Uint8Array): Outcome {
  const path = join(folder, "log");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  for (const database of engine.keyspace.databases) database.clear();
  const replay = new EffectReplay(engine);
  const reader = new AofReader(fd, replay);
  let damaged: AofDamaged | null = null;
  try {
    while (reader.step(0));
  } catch (error) {
    if (!(error instanceof AofDamaged)) throw error;
    damaged = error;
  }
  closeSync(fd);
  replay.end();
  const { torn, validTo, crc } = reader;
  return { damaged, torn, validTo, crc, data: dataOf(engine) };
}

/** What of an outcome does not depend on what the file has behind it. */
function whatIs({ validTo, crc, data }: Outcome): Pick<Outcome, "validTo" | "crc" | "data"> {
  return { validTo, crc, data };
}

/** A log with a mark behind each write. @param writes the commands of each write */
function marked(writes: readonly (readonly (readonly string[])[])[]): Buffer {
  let bytes = withMark(Buffer.alloc(0));
  for (const commands of writes) {
    bytes = withMark(Buffer.concat([bytes, ...commands.map((line) => encodeCommand(line))]));
  }
  return bytes;
}

function withMark(bytes: Buffer): Buffer {
  const mark = Buffer.alloc(MARK_SIZE);
  writeMark(mark, 0, addToCrc(0, bytes, 0, bytes.length));
  return Buffer.concat([bytes, mark]);
}

const WRITES: readonly (readonly (readonly string[])[])[] = [
  [
    ["SELECT", "0"],
    ["SET", "a", "1"],
  ],
  [["RPUSH", "list", "x", "y\r\n#CRC:", "z"]],
  [["MULTI"], ["SADD", "s", "m"], ["INCR", "a"], ["EXEC"]],
  [["SET", "last", "#".repeat(40)]],
];
const LOG = marked(WRITES);

/** The data after so many of the writes. */
function dataAfter(writes: number): string[] {
  for (const database of engine.keyspace.databases) database.clear();
  const session = engine.createSession();
  for (const line of WRITES.slice(0, writes).flat()) {
    if (line[0] !== "MULTI" && line[0] !== "EXEC") send(session, line);
  }
  return dataOf(engine);
}

describe("a log", () => {
  test("that is whole is read to its end, in whatever slices", () => {
    const outcome = read(LOG);
    expect(outcome.damaged).toBeNull();
    expect(outcome.torn).toBe(false);
    expect(outcome.validTo).toBe(LOG.length);
    expect(outcome.crc).toBe(addToCrc(0, LOG, 0, LOG.length));
    expect(outcome.data).toEqual(dataAfter(WRITES.length));
  });

  test("that is larger than the buffer is read with the right checksum", () => {
    const value = "v".repeat(100_000);
    const writes = Array.from({ length: 20 }, (_, i) => [["SET", `k${i}`, value]]);
    const log = marked(writes);
    const outcome = read(log);
    expect(outcome.damaged).toBeNull();
    expect(outcome.torn).toBe(false);
    expect(outcome.crc).toBe(addToCrc(0, log, 0, log.length));
    expect(outcome.data).toHaveLength(20);
    const cut = read(log.subarray(0, log.length - 5));
    expect(cut.torn).toBe(true);
    expect(cut.crc).toBe(addToCrc(0, log, 0, cut.validTo));
  });

  test("that is cut at any byte has all commands that are whole, and none of an unfinished transaction (D5)", () => {
    const marks = [MARK_SIZE];
    for (let i = 1; i <= WRITES.length; i++) marks.push(marked(WRITES.slice(0, i)).length);
    for (let size = 0; size <= LOG.length; size++) {
      const outcome = read(LOG.subarray(0, size));
      expect(outcome.damaged).toBeNull();
      expect(outcome.torn).toBe(outcome.validTo < size);
      expect(outcome.crc).toBe(addToCrc(0, LOG, 0, outcome.validTo));
      // A write is there from where its last command ends, which is before its mark; of the first one parts are too.
      const whole = marks.findLastIndex((end, i) => size >= end - (i === 0 ? 0 : MARK_SIZE));
      if (whole > 0) expect(outcome.data).toEqual(dataAfter(whole));
    }
  });

  test("that has zeros from any byte on is read like one that is cut there", () => {
    for (let size = 0; size < LOG.length; size++) {
      const zeroed = Buffer.concat([LOG.subarray(0, size), Buffer.alloc(9000)]);
      const outcome = read(zeroed);
      expect(outcome.damaged).toBeNull();
      expect(outcome.torn).toBe(true);
      expect(whatIs(outcome)).toEqual(whatIs(read(LOG.subarray(0, size))));
    }
  });

  test("of which one bit is wrong is refused, wherever it is, and the place is named (D6)", () => {
    const random = seeded("bits of a log");
    const bits = LOG.length * 8;
    for (let i = 0; i < Math.max(FLIPS, bits); i++) {
      // First each bit once, then any.
      const bit = i < bits ? i : random.below(bits);
      const bytes = Buffer.from(LOG);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      const { damaged } = read(bytes);
      if (damaged === null) throw new Error(`bit ${bit & 7} of byte ${bit >>> 3} was not noticed`);
      expect(damaged.offset).toBeLessThanOrEqual(LOG.length);
    }
  });

  test("without checksums is read or refused, whatever bits are wrong (D6)", () => {
    const random = seeded("bits of a log without checksums");
    const plain = Buffer.concat(WRITES.flat().map((line) => encodeCommand(line)));
    expect(read(plain).data).toEqual(dataAfter(WRITES.length));
    for (let i = 0; i < FLIPS; i++) {
      const bytes = Buffer.from(plain);
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      read(bytes);
    }
  });

  test("may hold times between its commands", () => {
    const log = Buffer.concat([
      Buffer.from("#TS:1700000000\r\n"),
      encodeCommand(["SET", "a", "1"]),
      Buffer.from("#TS:1700000001\r\n"),
    ]);
    expect(read(log)).toMatchObject({ damaged: null, torn: false, validTo: log.length });
  });

  for (const [name, text, reason] of [
    ["unknown commands", "*1\r\n$4\r\nNONE\r\n", "unknown command 'NONE'"],
    ["inline commands", "SET a 1\r\n", "a command was expected"],
    ["commands without arguments", "*0\r\n*1\r\n$4\r\nPING\r\n", "a command without arguments"],
    ["EXEC without MULTI", "*1\r\n$4\r\nEXEC\r\n", "EXEC without MULTI"],
    ["commands with too few arguments", "*1\r\n$3\r\nSET\r\n", "wrong number of arguments"],
  ] as const) {
    test(`with ${name} is refused`, () => {
      const before = encodeCommand(["SET", "a", "1"]);
      const { damaged } = read(Buffer.concat([before, Buffer.from(text)]));
      expect(damaged?.message).toContain(reason);
      expect(damaged?.offset).toBe(before.length);
    });
  }
});
