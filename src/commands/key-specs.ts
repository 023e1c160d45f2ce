/** Key specifications of a row in the form in which extraction reads them. */
import { READS, WRITES } from "../security/inquiry.ts";
import type { CommandRow, KeySpec } from "./row.ts";

/** By flags of a specification: what is done with the key. There are few different ones. */
const accesses = new Map<string, number>();

/** The specifications that name keys. */
export function keySpecsOf(row: CommandRow): readonly KeySpec[] {
  return (row.keys ?? []).filter((spec) => !hasFlag(spec, "not_key"));
}

/** Index of the one key that the specifications name, if it is always one and always there; else -1. */
export function soleKeyOf(specs: readonly KeySpec[]): number {
  const [spec] = specs;
  if (specs.length !== 1 || spec === undefined || spec.locate !== undefined) return -1;
  const { begin, find } = spec;
  const isFixed = typeof begin === "number" && find !== "unknown" && !("countAt" in find);
  return isFixed && find.last === 0 && !hasFlag(spec, "incomplete") ? begin : -1;
}

/** Whether the keys stand where the specification says, and all of them. */
export function isFound(spec: KeySpec): boolean {
  if (hasFlag(spec, "incomplete")) return false;
  return spec.locate !== undefined || (spec.begin !== "unknown" && spec.find !== "unknown");
}

/** What the flags of a specification say is done with the value of a key: READS, WRITES, both or neither. */
export function accessOf(flags: string): number {
  let access = accesses.get(flags);
  if (access === undefined) {
    access = 0;
    for (const flag of flags.split(" ")) {
      if (flag === "access") access |= READS;
      if (flag === "insert" || flag === "delete" || flag === "update") access |= WRITES;
    }
    accesses.set(flags, access);
  }
  return access;
}

export function hasFlag(spec: KeySpec, flag: string): boolean {
  return spec.flags.split(" ").includes(flag);
}
