/**
 * The files of a server under strace, after each of its calls (`system-calls.ts`): what they hold, and what of it would be left if
 * the power failed now. Of a file that is what it held when the last sync began that has ended, of a folder the names that it had
 * then; what was written with O_DSYNC is there when the call has returned.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { SystemCall } from "./system-calls.ts";
import { bytesWritten } from "./system-calls.ts";

export class TracedFile {
  /** The first path that it had. */
  readonly path: string;
  readonly isFolder: boolean;
  bytes: Buffer = Buffer.alloc(0);
  size = 0;
  /** Bytes that a loss of power leaves. */
  lasting = 0;

  constructor(path: string, isFolder: boolean) {
    this.path = path;
    this.isFolder = isFolder;
  }

  write(bytes: Buffer, at: number): void {
    const end = at + bytes.length;
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2));
      this.bytes.copy(grown);
      this.bytes = grown;
    }
    bytes.copy(this.bytes, at);
    this.size = Math.max(this.size, end);
  }
}

/** What a sync under way will make last. */
interface Covered {
  readonly size: number;
  readonly names: ReadonlyMap<string, TracedFile>;
  readonly renames: number;
}

/** What becomes of bytes that were written and not synced. */
export type Unsynced = "cut off" | "zeros" | "kept";

export class TracedDisk {
  /** Files and folders by path. */
  readonly names = new Map<string, TracedFile>();
  /** Renames so far, and how many of them a loss of power would not undo. */
  renames = 0;
  lastingRenames = 0;
  #lasting = new Map<string, TracedFile>();
  /** By the text of the call. */
  readonly #covered = new Map<string, Covered>();

  /** @param root folder that is there, and lasts, from the beginning */
  constructor(root: string) {
    const folder = new TracedFile(root, true);
    this.names.set(root, folder);
    this.#lasting.set(root, folder);
  }

  apply(call: SystemCall): void {
    if (!call.ended) {
      if (isSync(call)) this.#beginSync(call);
      return;
    }
    if (call.result < 0) return;
    const { name, path, text, to, result } = call;
    const file = this.names.get(path);
    if (name === "mkdir") this.names.set(path, new TracedFile(path, true));
    else if (name === "openat" && text.includes("O_CREAT")) this.#open(path, text);
    else if (name === "rename" && file !== undefined) {
      this.names.delete(path);
      this.names.set(to, file);
      this.renames++;
    } else if (name.startsWith("unlink")) this.names.delete(path);
    else if (name === "ftruncate" && file !== undefined) {
      file.size = Number(/, (\d+)/.exec(text)![1]);
      file.lasting = Math.min(file.lasting, file.size);
    } else if (/^p?write(?:64)?$/.test(name) && file !== undefined) this.#write(file, call);
    else if (isSync(call) && result === 0 && file !== undefined) this.#endSync(file, text);
  }

  #open(path: string, text: string): void {
    const file = this.names.get(path);
    if (file === undefined) this.names.set(path, new TracedFile(path, false));
    else if (text.includes("O_TRUNC")) {
      file.size = 0;
      file.lasting = 0;
    }
  }

  #write(file: TracedFile, { name, text, result, isSynced }: SystemCall): void {
    const at = name === "pwrite64" ? Number(/, (\d+)\)? *(?:=|<|$)/.exec(text)![1]) : file.size;
    file.write(bytesWritten(text, result), at);
    if (isSynced) file.lasting = Math.max(file.lasting, at + result);
  }

  #beginSync({ path, text }: SystemCall): void {
    const file = this.names.get(path);
    const names = new Map([...this.names].filter(([name]) => dirname(name) === path));
    this.#covered.set(text, { size: file?.size ?? 0, names, renames: this.renames });
  }

  #endSync(file: TracedFile, text: string): void {
    const { size, names, renames } = this.#covered.get(text)!;
    if (!file.isFolder) {
      file.lasting = Math.max(file.lasting, Math.min(size, file.size));
      return;
    }
    const path = [...this.names].find(([, one]) => one === file)![0];
    const others = [...this.#lasting].filter(([name]) => dirname(name) !== path);
    this.#lasting = new Map([...others, ...names]);
    if (path.endsWith("/appendonlydir")) this.lastingRenames = renames;
  }

  /** Makes what a loss of power would leave of a folder. @param target an empty folder */
  makeImage(folder: string, target: string, unsynced: Unsynced): void {
    for (const [path, file] of [...this.#lasting].sort(([a], [b]) => a.length - b.length)) {
      const place = relative(folder, path);
      if (place.startsWith("..") || !this.#isReachable(path)) continue;
      if (file.isFolder) mkdirSync(join(target, place), { recursive: true });
      else writeFileSync(join(target, place), left(file, unsynced));
    }
  }

  /** Whether the folders last that lead to a path. */
  #isReachable(path: string): boolean {
    const folder = dirname(path);
    if (folder === path) return true;
    return !this.names.has(folder) || (this.#lasting.has(folder) && this.#isReachable(folder));
  }
}

export function isSync({ name }: SystemCall): boolean {
  return name === "fsync" || name === "fdatasync";
}

function left(file: TracedFile, unsynced: Unsynced): Buffer {
  const size = unsynced === "cut off" ? file.lasting : Math.max(file.size, file.lasting);
  const bytes = Buffer.from(file.bytes.subarray(0, size));
  if (unsynced === "zeros") bytes.fill(0, file.lasting);
  return bytes;
}
