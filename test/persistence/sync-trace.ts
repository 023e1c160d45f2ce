/**
 * Reads what strace has written of a server with `appendfsync always` whose clients count up keys of their own: whether each reply
 * left only after everything was synced that it could show, and whether the files of the log change in an order that every
 * crash may interrupt.
 *
 *   reply     the increment with the effect is synced up to it, all earlier increments to their ends, and the folder is synced
 *             after the manifest took its place that names the increment
 *   rename    what gets a lasting name is synced to its end
 *   unlink    the folder is synced after the manifest took its place that does without the file
 */
import { basename } from "node:path";

/** A counter's first value, and its increment, as strace shows them. */
const FIRST = /SET\\r\\n\$2\\r\\n(c\d)\\r\\n\$7\\r\\n(\d+)\\r/g;
const FURTHER = /INCR\\r\\n\$2\\r\\n(c\d)\\r/g;

/** Violations that are told. */
const SHOWN_MAX = 5;

/** A file that the server has opened. */
interface TracedFile {
  readonly path: string;
  written: number;
  synced: number;
  /** What was written to it, if it is to be a manifest. */
  manifest: string;
}

/** What a reply needs. */
interface Needed {
  readonly file: TracedFile;
  readonly written: number;
}

/** A call that has begun in a thread, without its result. */
interface Begun {
  readonly name: string;
  readonly text: string;
  readonly file: TracedFile | undefined;
  /** What a sync will cover: bytes of a file, renames of a folder. */
  readonly covers: number;
}

export class SyncTrace {
  replies = 0;
  readonly violations: string[] = [];
  /** Increments that effects were written to, in their order. */
  readonly increments: TracedFile[] = [];
  readonly #byFd = new Map<string, TracedFile>();
  readonly #byPath = new Map<string, TracedFile>();
  /** By thread. */
  readonly #begun = new Map<string, Begun>();
  readonly #counters = new Map<string, number>();
  /** By value. */
  readonly #needed = new Map<string, Needed>();
  /** By the name of an increment: the rename with which a manifest took its place that names it. */
  readonly #named = new Map<string, number>();
  #renames = 0;
  #renamesSynced = 0;

  /** @param text of strace -f, with whole strings */
  constructor(text: string) {
    for (const line of text.split("\n")) this.#line(line);
  }

  #line(line: string): void {
    const parts = /^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$/.exec(line);
    if (parts === null) return;
    const [, thread, name, text, , rest] = parts;
    if (name !== undefined) this.#begin(thread!, name, text!);
    const result = / = (-?\d+)(?: |$)[^"]*$/.exec(rest ?? text!);
    const begun = this.#begun.get(thread!);
    if (result === null || begun === undefined) return;
    this.#begun.delete(thread!);
    this.#end(begun, Number(result[1]));
  }

  #begin(thread: string, name: string, text: string): void {
    const fd = /^\d+/.exec(text)?.[0] ?? "";
    const file = this.#byFd.get(fd);
    if (name === "close") this.#byFd.delete(fd);
    if (name === "unlink" || name === "unlinkat") this.#unlinks(text);
    if (name === "rename") this.#renamed(text);
    if (file === undefined && /^(?:sendto|write|writev|sendmsg)$/.test(name)) this.#replied(text);
    const covers = file === undefined ? 0 : isFolder(file) ? this.#renames : file.written;
    this.#begun.set(thread, { name, text, file, covers });
  }

  #end({ name, text, file, covers }: Begun, result: number): void {
    if (name === "openat") {
      const path = /"([^"]*)"/.exec(text)?.[1] ?? "";
      if (result < 0) return;
      const opened = { path, written: 0, synced: 0, manifest: "" };
      this.#byFd.set(String(result), opened);
      this.#byPath.set(path, opened);
    } else if (file !== undefined && /^p?write(?:64)?$/.test(name) && result > 0) {
      file.written += result;
      if (file.path.endsWith(".incr.aof")) this.#effects(file, text);
      else if (file.path.endsWith(".manifest")) file.manifest += text;
    } else if (file !== undefined && /^f(?:data)?sync$/.test(name) && result === 0) {
      if (isFolder(file)) this.#renamesSynced = Math.max(this.#renamesSynced, covers);
      else file.synced = Math.max(file.synced, covers);
    }
  }

  #effects(file: TracedFile, text: string): void {
    const needed = { file, written: file.written };
    const note = (name: string, value: number): void => {
      this.#counters.set(name, value);
      this.#needed.set(String(value), needed);
      if (this.increments.at(-1) !== file) this.increments.push(file);
    };
    for (const [, name, value] of text.matchAll(FIRST)) note(name!, Number(value));
    for (const [, name] of text.matchAll(FURTHER)) note(name!, this.#counters.get(name!)! + 1);
  }

  #replied(text: string): void {
    const sent = /"((?::\d{7}\\r\\n)+)"/.exec(text);
    for (const [, value] of sent?.[1]?.matchAll(/:(\d{7})/g) ?? []) {
      this.replies++;
      const needed = this.#needed.get(value!);
      if (needed === undefined) {
        this.#violated(`${value} left before it was written`);
        continue;
      }
      const { file, written } = needed;
      if (written > file.synced) this.#violated(`${value} left before it was synced`);
      const earlier = this.increments.slice(0, this.increments.indexOf(file));
      if (earlier.some((one) => one.synced < one.written)) {
        this.#violated(`${value} left before what precedes it was synced`);
      }
      const named = this.#named.get(basename(file.path)) ?? Infinity;
      if (named > this.#renamesSynced) {
        this.#violated(`${value} left before the name of ${file.path} was synced`);
      }
    }
  }

  #renamed(text: string): void {
    const [, from, to] = /"([^"]*)", "([^"]*)"/.exec(text) ?? [];
    const file = this.#byPath.get(from ?? "");
    if (file === undefined || file.synced < file.written) {
      this.#violated(`${to} got its name before it was synced`);
    }
    this.#renames++;
    for (const [, name] of file?.manifest.matchAll(/file (\S+\.incr\.aof) /g) ?? []) {
      if (!this.#named.has(name!)) this.#named.set(name!, this.#renames);
    }
  }

  #unlinks(text: string): void {
    if (!/\.(?:incr\.aof|base\.rdb)"/.test(text) || this.#renamesSynced === this.#renames) return;
    this.#violated(`${text} before the manifest's name was synced`);
  }

  #violated(what: string): void {
    if (this.violations.length < SHOWN_MAX) this.violations.push(what);
  }
}

function isFolder({ path }: TracedFile): boolean {
  return path.endsWith("/appendonlydir");
}
