/**
 * Checks what strace has written (`system-calls.ts`) of a server with `appendfsync always` whose clients count up keys of their own:
 * whether each reply left only after everything was synced that it could show, and whether the files of the log change in an
 * order that every crash may interrupt.
 *
 *   reply     the increment with the effect is synced up to it, or the journal has the rest of it; all earlier increments are synced
 *             to their ends, and the folder is synced after the manifest took its place that names the increment
 *   record    what the journal has of an increment is what the increment has
 *   rename    what gets a lasting name is synced to its end
 *   unlink    the folder is synced after the manifest took its place that does without the file
 */
import { basename, dirname } from "node:path";
import { readRecord } from "../../src/persistence/journal-format.ts";
import type { SystemCall } from "./system-calls.ts";
import { systemCalls } from "./system-calls.ts";
import type { TracedFile } from "./traced-disk.ts";
import { TracedDisk } from "./traced-disk.ts";

/** A counter's first value, and its increment, as strace shows them. */
const FIRST = /SET\\r\\n\$2\\r\\n(c\d)\\r\\n\$7\\r\\n(\d+)\\r/g;
const FURTHER = /INCR\\r\\n\$2\\r\\n(c\d)\\r/g;

/** Violations that are told. */
const SHOWN_MAX = 5;

/** What a reply needs. */
interface Needed {
  readonly file: TracedFile;
  readonly written: number;
}

export class SyncTrace {
  replies = 0;
  /** Of these, those whose effects the journal had and the increment had not. */
  byJournal = 0;
  readonly violations: string[] = [];
  /** Increments that effects were written to, in their order. */
  readonly increments: TracedFile[] = [];
  readonly #disk: TracedDisk;
  readonly #counters = new Map<string, number>();
  /** By value. */
  readonly #needed = new Map<string, Needed>();
  /** Up to where the journal has an increment that was synced before, by its path. */
  readonly #journaled = new Map<string, number>();
  /** By the name of an increment: the rename with which a manifest took its place that names it. */
  readonly #named = new Map<string, number>();

  /** @param text of strace, with whole strings @param root data directory */
  constructor(text: string, root: string) {
    this.#disk = new TracedDisk(root);
    for (const call of systemCalls(text)) {
      this.#disk.apply(call);
      if (call.ended) this.#ended(call);
      else this.#begun(call);
    }
  }

  #begun(call: SystemCall): void {
    const { name, text, path } = call;
    if (name.startsWith("unlink")) this.#unlinks(text);
    if (name === "rename") this.#renamed(call);
    if (path === "" && /^(?:sendto|write|writev|sendmsg)$/.test(name)) this.#replied(text);
  }

  #ended({ name, text, path, result, isSynced }: SystemCall): void {
    if (!/^p?write(?:64)?$/.test(name) || result <= 0) return;
    const file = this.#disk.names.get(path);
    if (file === undefined) return;
    if (path.endsWith(".incr.aof")) this.#effects(file, text);
    else if (path.endsWith(".journal") && isSynced) this.#recorded(file, text);
  }

  #effects(file: TracedFile, text: string): void {
    const note = (name: string, value: number): void => {
      this.#counters.set(name, value);
      this.#needed.set(String(value), { file, written: file.size });
      if (this.increments.at(-1) !== file) this.increments.push(file);
    };
    for (const [, name, value] of text.matchAll(FIRST)) note(name!, Number(value));
    for (const [, name] of text.matchAll(FURTHER)) note(name!, this.#counters.get(name!)! + 1);
  }

  #recorded(journal: TracedFile, text: string): void {
    const at = Number(/, (\d+)\)? *(?:=|<|$)/.exec(text)![1]);
    const record = readRecord(journal.bytes, at, journal.size);
    // Or zeros, at the beginning.
    if (record === null) return;
    const { bytes, position, increment } = record;
    const path = `${dirname(journal.path)}/appendonly.aof.${increment}.incr.aof`;
    const file = this.#disk.names.get(path);
    const end = position + bytes.length;
    if (file?.bytes.subarray(position, end).equals(bytes) !== true) {
      return this.#violated(`the journal has something else at byte ${position} of ${path}`);
    }
    const known = Math.max(file.lasting, this.#journaled.get(path) ?? 0);
    if (position > known) return this.#violated(`the journal skips byte ${known} of ${path}`);
    this.#journaled.set(path, end);
  }

  #replied(text: string): void {
    const sent = /"((?::\d{7}\\r\\n)+)"/.exec(text);
    for (const [, value] of sent?.[1]?.matchAll(/:(\d{7})/g) ?? []) this.#check(value!);
  }

  #check(value: string): void {
    this.replies++;
    const needed = this.#needed.get(value);
    if (needed === undefined) return this.#violated(`${value} left before it was written`);
    const { file, written } = needed;
    if (written > file.lasting) {
      if (written > (this.#journaled.get(file.path) ?? 0)) {
        this.#violated(`${value} left before it was synced`);
      }
      this.byJournal++;
    }
    const earlier = this.increments.slice(0, this.increments.indexOf(file));
    if (earlier.some((one) => one.lasting < one.size)) {
      this.#violated(`${value} left before what precedes it was synced`);
    }
    const named = this.#named.get(basename(file.path)) ?? Infinity;
    if (named > this.#disk.lastingRenames) {
      this.#violated(`${value} left before the name of ${file.path} was synced`);
    }
  }

  #renamed({ path, to }: SystemCall): void {
    const file = this.#disk.names.get(path);
    if (file === undefined || file.lasting < file.size) {
      this.#violated(`${to} got its name before it was synced`);
    }
    const text = file?.bytes.toString("latin1", 0, file.size) ?? "";
    for (const [, name] of text.matchAll(/file (\S+\.incr\.aof) /g)) {
      if (!this.#named.has(name!)) this.#named.set(name!, this.#disk.renames + 1);
    }
  }

  #unlinks(text: string): void {
    const { renames, lastingRenames } = this.#disk;
    if (!/\.(?:incr\.aof|base\.rdb)"/.test(text) || lastingRenames === renames) return;
    this.#violated(`${text} before the manifest's name was synced`);
  }

  #violated(what: string): void {
    if (this.violations.length < SHOWN_MAX) this.violations.push(what);
  }
}
