/** The journal beside a log that syncs before it answers: its file, and what a start makes of it. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Aof } from "../../src/persistence/aof.ts";
import { addToCrc } from "../../src/persistence/aof-marks.ts";
import { DataError } from "../../src/persistence/data-error.ts";
import type { JournalRecord } from "../../src/persistence/journal-format.ts";
import {
  HALF_SIZE,
  HEADER_SIZE,
  JOURNAL_SIZE,
  PAGE_SIZE,
  readChain,
  recordSize,
  sealRecord,
} from "../../src/persistence/journal-format.ts";
import { recoverJournal } from "../../src/persistence/journal-recovery.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { inFolder, incrementPath, journalPath } from "./folder.ts";

/** A journal as a log writes it, with records put where a test wants them. */
class Written {
  readonly bytes: Buffer = Buffer.alloc(JOURNAL_SIZE);
  sequence = 1;

  /** Writes a record of file[from, to). @returns where it ends in the journal */
  put(at: number, file: Buffer, from: number, to: number, increment = 1): number {
    const record = Buffer.alloc(recordSize(to - from));
    file.copy(record, HEADER_SIZE, from, to);
    const before = addToCrc(0, file, 0, from);
    sealRecord(record, to - from, {
      sequence: this.sequence++,
      position: from,
      increment,
      before,
    });
    record.copy(this.bytes, at);
    return at + record.length;
  }

  /** The ranges of the file that the last chain has. */
  ranges(): [number, number][] {
    return readChain(this.bytes).map(({ position, bytes }) => [position, position + bytes.length]);
  }
}

const FILE = Buffer.from(Array.from({ length: 3000 }, (_, i) => `#line ${i}\r\n`).join(""));

describe("a journal's file", () => {
  test("is read as far as its records follow each other, over both halves", () => {
    const journal = new Written();
    let at = journal.put(0, FILE, 100, 200);
    journal.put(at, FILE, 200, 6000);
    at = journal.put(HALF_SIZE, FILE, 6000, 6001);
    journal.put(at, FILE, 6001, 7000);
    expect(journal.ranges()).toEqual([
      [100, 200],
      [200, 6000],
      [6000, 6001],
      [6001, 7000],
    ]);
    // The first half is used again: what is left there of before does not count.
    journal.put(0, FILE, 7000, 7100);
    expect(journal.ranges()).toEqual([
      [6000, 6001],
      [6001, 7000],
      [7000, 7100],
    ]);
  });

  test("begins anew behind a gap, and with another increment", () => {
    const journal = new Written();
    let at = journal.put(0, FILE, 100, 200);
    at = journal.put(at, FILE, 300, 400);
    at = journal.put(at, FILE, 400, 500);
    expect(journal.ranges()).toEqual([
      [300, 400],
      [400, 500],
    ]);
    journal.put(at, FILE, 500, 600, 2);
    expect(journal.ranges()).toEqual([[500, 600]]);
  });

  test("that was being written when the power failed ends before that record, whichever byte is missing", () => {
    const random = seeded("journal");
    const journal = new Written();
    const at = journal.put(0, FILE, 100, 200);
    const end = journal.put(at, FILE, 200, 5000);
    const whole = Buffer.from(journal.bytes.subarray(at, end));
    for (let i = 0; i < 200; i++) {
      const torn = at + random.below(HEADER_SIZE + 4800);
      whole.copy(journal.bytes, at);
      journal.bytes[torn]! ^= 1 + random.below(255);
      expect(journal.ranges()).toEqual([[100, 200]]);
    }
    expect(end % PAGE_SIZE).toBe(0);
  });

  test("of zeros or of anything else has no records", () => {
    expect(readChain(Buffer.alloc(JOURNAL_SIZE))).toEqual([]);
    expect(readChain(Buffer.alloc(0))).toEqual([]);
    expect(readChain(Buffer.alloc(1000, "HUTCHJ01"))).toEqual([]);
  });
});

describe("a start with a journal", () => {
  /** Recovers a file that has only the first `size` bytes, and `behind` after them. */
  async function recovered(size: number, behind: Buffer, damage = false): Promise<Buffer> {
    return inFolder(async (folder) => {
      const journal = new Written();
      journal.put(journal.put(0, FILE, 1000, 2000), FILE, 2000, 9000);
      const path = join(folder, "journal");
      const file = join(folder, "increment");
      writeFileSync(path, journal.bytes);
      const bytes = Buffer.concat([FILE.subarray(0, size), behind]);
      if (damage) bytes[10]! ^= 1;
      writeFileSync(file, bytes);
      const lacked = recoverJournal(path, (seq) => (seq === 1 ? file : null));
      expect(lacked > 0).toBe(size < 9000);
      expect(existsSync(path)).toBe(false);
      return readFileSync(file);
    });
  }

  test("completes the file, whatever of it the journal has is missing or zeros", async () => {
    for (const size of [1000, 1001, 1999, 2000, 5000, 8999]) {
      const whole = FILE.subarray(0, 9000);
      expect(await recovered(size, Buffer.alloc(0))).toEqual(whole);
      const zeros = Buffer.alloc(9500 - size);
      expect(await recovered(size, zeros)).toEqual(Buffer.concat([whole, Buffer.alloc(500)]));
    }
  });

  test("changes nothing of a file that has all, and more", async () => {
    expect(await recovered(9000, Buffer.alloc(0))).toEqual(FILE.subarray(0, 9000));
    expect(await recovered(9100, Buffer.alloc(0))).toEqual(FILE.subarray(0, 9100));
  });

  test("refuses to complete a file that is not the one the journal was written beside", async () => {
    await expect(recovered(5000, Buffer.alloc(0), true)).rejects.toThrow(DataError);
    await expect(recovered(500, Buffer.alloc(0))).rejects.toThrow(DataError);
  });

  test("has what only the journal has, and begins a new one", async () => {
    await inFolder(async (dir) => {
      const options = { dir, appendonly: "yes", appendfsync: "always" };
      const saved: [string, Buffer][] = [];
      const first = startInProcess(options);
      await first.loaded;
      const client = await RespClient.connect(first.port);
      let counted = 0;
      const count = async (): Promise<void> => {
        counted++;
        await client.text("INCR", "n");
      };
      const chain = (): JournalRecord[] =>
        existsSync(journalPath(dir)) ? readChain(readFileSync(journalPath(dir))) : [];
      await until("a record", async () => {
        await count();
        return chain().length > 0;
      });
      for (let i = 0; i < 50; i++) await count();
      const size = chain()[0]!.position;
      for (const path of [journalPath(dir), incrementPath(dir)]) {
        saved.push([path, readFileSync(path)]);
      }
      await first.stop();
      // After an end in order there is nothing to recover.
      expect(existsSync(journalPath(dir))).toBe(false);
      for (const [path, bytes] of saved) writeFileSync(path, bytes);
      truncateSync(incrementPath(dir), size + 30);

      const again = startInProcess(options);
      await again.loaded;
      const other = await RespClient.connect(again.port);
      expect(await other.text("GET", "n")).toContain(String(counted));
      await again.stop();
      expect(readFileSync(incrementPath(dir)).equals(saved[1]![1])).toBe(true);
    });
  });

  test("gets one record of what comes while the replies of the one before leave", async () => {
    await inFolder(async (dir) => {
      const server = startInProcess({ dir, appendonly: "yes", appendfsync: "always" });
      await server.loaded;
      const { effects, gate } = server.engine;
      const change = (key: string): void => effects.delete(0, Buffer.from(key), 0, key.length);
      const records = (): string[] =>
        readChain(readFileSync(journalPath(dir))).map(({ bytes }) => bytes.toString("latin1"));
      // The first sync after there is a journal is one of the log's file.
      await until("a record", async () => {
        change("before");
        await gate.whenSafe();
        return existsSync(journalPath(dir)) && records().length > 0;
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      Aof.of(server.engine).onSynced = () => {
        Aof.of(server.engine).onSynced = () => {};
        change("second");
        setImmediate(() => {
          change("third");
          resolve();
        });
      };
      change("first");
      await promise;
      await gate.whenSafe();
      // Earlier records may be gone, once a second, when the log's file is synced.
      expect(
        records()
          .at(-1)!
          .match(/first|second|third/g),
      ).toEqual(["second", "third"]);
      await server.stop();
    });
  });

  test("goes with the policy: there is one as long as it is `always`", async () => {
    await inFolder(async (dir) => {
      const server = startInProcess({ dir, appendonly: "yes", appendfsync: "everysec" });
      await server.loaded;
      const client = await RespClient.connect(server.port);
      const exists = (): boolean => existsSync(journalPath(dir));
      expect(exists()).toBe(false);
      for (const policy of ["everysec", "no"]) {
        await client.text("CONFIG", "SET", "appendfsync", "always");
        await until("a journal", exists);
        for (let i = 0; i < 20; i++) await client.text("INCR", "n");
        await client.text("CONFIG", "SET", "appendfsync", policy);
        await until("its end", () => !exists());
        await client.text("INCR", "n");
      }
      expect(await client.text("GET", "n")).toContain("42");
      await server.stop();
    });
  });
});
