/** The HELP subcommand of a container command: what its subcommands are, a simple string a line. */
import type { Handler } from "./row.ts";

export function helpOf(lines: readonly string[]): Handler {
  return (_session, _args, reply) => {
    reply.array(lines.length);
    for (const line of lines) reply.simple(line);
  };
}
