/** Comparing lines of CLIENT LIST: of the fields only those that tell of a client's state. */
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";

/** Whether flags, queue and last command are equal. */
export function sameState(ours: RespValue, theirs: RespValue): boolean {
  return stateOf(ours) === stateOf(theirs);
}

function stateOf(value: RespValue): string {
  const shown = show(value);
  return (shown.match(/\b(flags|multi|redir|cmd)=\S+/g) ?? [shown]).join(" ");
}
