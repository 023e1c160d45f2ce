/** Comparing lines of CLIENT LIST: of the fields only those that tell of a client's state. */
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";

/** Whether flags, queue and last command are equal. */
export function sameState(ours: RespValue, theirs: RespValue): boolean {
  return stateOf(ours) === stateOf(theirs);
}

function stateOf(value: RespValue): string {
  const shown = show(value);
  return (shown.match(/\b(flags|multi|cmd)=\S+/g) ?? [shown]).join(" ");
}

/** Whether the flags are equal, and whether something is redirected. */
export function sameFlags(ours: RespValue, theirs: RespValue): boolean {
  return flagsOf(ours) === flagsOf(theirs);
}

function flagsOf(value: RespValue): string {
  return (show(value).match(/\bflags=\w+|\bredir=-?/g) ?? []).join(" ");
}
