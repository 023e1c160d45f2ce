/** INFO: what the server knows of itself, for clients and monitoring. */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function info(session: Session, args: Args, reply: Reply): void {
  const sections = session.engine.info;
  const names = new Set<string>();
  for (let i = 1; i < args.count; i++) {
    for (const name of sections.expand(args.text(i).toLowerCase())) names.add(name);
  }
  if (args.count === 1) for (const name of sections.expand("default")) names.add(name);
  const text = sections.render(names);
  // Paths and names of the system may be more than ASCII; replies are one character a byte.
  reply.verbatim(Buffer.from(text).toString("latin1"), "txt");
}

export const infoRows: readonly CommandRow[] = [
  {
    name: "info",
    arity: -1,
    flags: "loading stale",
    since: "1.0.0",
    group: "server",
    summary: "Returns facts and counters of the server.",
    complexity: "O(1)",
    syntax: "[section:string...]",
    history: [["7.0.0", "Takes several sections."]],
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    categories: "dangerous",
    handler: info,
  },
];
