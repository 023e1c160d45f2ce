/**
 * What strace has written of a server, as a list of the calls that change files and of what was sent to clients, in their order:
 * `strace -f -ttt -s <enough> -e trace=CALLS`. A call stands in the list twice: where it began and where it ended, since calls of
 * several threads overlap.
 */

/** The calls to trace. */
export const TRACED_CALLS =
  "openat,close,write,pwrite64,ftruncate,sendto,sendmsg,writev,fdatasync,fsync,mkdir,rename,unlink,unlinkat";

const LINE = /^(\d+) +(\d+\.\d+) (?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$/;
const RESULT = / = (-?\d+)(?: |$)[^"]*$/;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12 };

export interface SystemCall {
  readonly name: string;
  /** Its arguments as strace shows them. */
  readonly text: string;
  /** Path of the file, or the first path that it names; "" if it is of a socket or the like. */
  readonly path: string;
  /** Second path of a rename. */
  readonly to: string;
  /** The file was opened so that a write returns when the disk has it. */
  readonly isSynced: boolean;
  /** Whether this is where it ended. */
  readonly ended: boolean;
  /** -1 where it began. */
  readonly result: number;
  /** Unix time in seconds. */
  readonly time: number;
}

interface OpenFile {
  readonly path: string;
  readonly isSynced: boolean;
}

/** Reads the output of strace. */
export function* systemCalls(trace: string): Iterable<SystemCall> {
  const files = new Map<string, OpenFile>();
  const begun = new Map<string, SystemCall>();
  for (const line of trace.split("\n")) {
    const parts = LINE.exec(line);
    if (parts === null) continue;
    const [, thread, time, name, text, , rest] = parts;
    if (name !== undefined) {
      const call = callOf(name, text!, files, Number(time));
      if (name === "close") files.delete(/^\d+/.exec(text!)?.[0] ?? "");
      begun.set(thread!, call);
      yield call;
    }
    const result = RESULT.exec(rest ?? text!);
    const call = begun.get(thread!);
    if (result === null || call === undefined) continue;
    begun.delete(thread!);
    const ended = { ...call, ended: true, result: Number(result[1]), time: Number(time) };
    if (call.name === "openat" && ended.result >= 0) {
      files.set(result[1]!, { path: call.path, isSynced: call.text.includes("O_DSYNC") });
    }
    yield ended;
  }
}

function callOf(
  name: string,
  text: string,
  files: ReadonlyMap<string, OpenFile>,
  time: number,
): SystemCall {
  const common = { name, text, ended: false, result: -1, time };
  if (/^(?:openat|rename|unlink|unlinkat|mkdir)$/.test(name)) {
    const [path = "", to = ""] = [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
    return { ...common, path, to, isSynced: false };
  }
  const file = files.get(/^\d+/.exec(text)?.[0] ?? "");
  return { ...common, path: file?.path ?? "", to: "", isSynced: file?.isSynced ?? false };
}

/** The bytes of a write: its first string. What strace has left out of it is zeros. @param size of what was written */
export function bytesWritten(text: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const end = text.length;
  let count = 0;
  for (let at = text.indexOf('"') + 1; at < end && count < size;) {
    const char = text.charCodeAt(at++);
    if (char === 0x22) break;
    if (char !== 0x5c) {
      bytes[count++] = char;
      continue;
    }
    const digits = /^[0-7]{1,3}/.exec(text.slice(at, at + 3))?.[0];
    if (digits === undefined) {
      bytes[count++] = ESCAPES[text[at]!] ?? text.charCodeAt(at);
      at++;
    } else {
      bytes[count++] = Number.parseInt(digits, 8);
      at += digits.length;
    }
  }
  return bytes;
}
