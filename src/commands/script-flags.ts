/**
 * What a script's first line may say: "#!lua name=library flags=no-writes,allow-stale". Functions of a library have the same flags,
 * by name.
 */

export interface ScriptFlags {
  /** Without a first line of the kind, what scripts were before there were flags. */
  readonly isCompatible: boolean;
  readonly noWrites: boolean;
  readonly allowOom: boolean;
  readonly allowStale: boolean;
  readonly noCluster: boolean;
  readonly allowCrossSlotKeys: boolean;
  /** As they are written, in Redis's order. */
  readonly names: readonly string[];
}

const NAMES: readonly string[] = [
  "no-writes",
  "allow-oom",
  "allow-stale",
  "no-cluster",
  "allow-cross-slot-keys",
];

export const COMPATIBLE_FLAGS: ScriptFlags = { ...flagsOf([])!, isCompatible: true };

/** Flags by name, or null if one of the names is none. */
export function flagsOf(given: readonly string[]): ScriptFlags | null {
  if (given.some((name) => !NAMES.includes(name))) return null;
  const names = NAMES.filter((name) => given.includes(name));
  return {
    isCompatible: false,
    noWrites: names.includes("no-writes"),
    allowOom: names.includes("allow-oom"),
    allowStale: names.includes("allow-stale"),
    noCluster: names.includes("no-cluster"),
    allowCrossSlotKeys: names.includes("allow-cross-slot-keys"),
    names,
  };
}

export interface Shebang {
  readonly flags: ScriptFlags;
  /** The script with its first line left empty, so that lines keep their numbers. */
  readonly body: string;
}

/** Reads the first line of a script for EVAL. @returns or an error text */
export function readShebang(source: string): Shebang | string {
  if (!source.startsWith("#!")) return { flags: COMPATIBLE_FLAGS, body: source };
  const end = source.indexOf("\n");
  if (end === -1) return "ERR Invalid script shebang";
  const [engine = "", ...parts] = source.slice(0, end).split(" ");
  if (engine !== "#!lua") return `ERR Unexpected engine in script shebang: ${engine}`;
  const names: string[] = [];
  for (const part of parts) {
    if (!part.startsWith("flags=")) return `ERR Unknown lua shebang option: ${part}`;
    const list = part.slice("flags=".length);
    if (list !== "") names.push(...list.split(","));
  }
  const wrong = names.find((name) => !NAMES.includes(name));
  if (wrong !== undefined) return `ERR Unexpected flag in script shebang: ${wrong}`;
  return { flags: flagsOf(names)!, body: source.slice(end) };
}
