/** What the runner itself needs of a server, for a table that does not have it. */
import type { Engine } from "../../src/commands/engine.ts";
import type { CommandRow, Handler } from "../../src/commands/row.ts";

function row(name: string, arity: number, handler: Handler): CommandRow {
  return {
    name,
    arity,
    flags: "",
    since: "1.0.0",
    group: "server",
    summary: "",
    complexity: "",
    handler,
  };
}

const ROWS: readonly CommandRow[] = [
  row("echo", 2, (_session, args, reply) => reply.bulk(args.bytes, args.start(1), args.end(1))),
  row("flushall", 1, (session, _args, reply) => {
    for (const database of session.engine.keyspace.databases) database.clear();
    reply.ok();
  }),
  row("hello", 2, (_session, _args, reply) => {
    reply.version = 3;
    reply.map(0);
  }),
];

/** Adds the missing ones. @returns whether data sets can be read as well */
export function addStandIns(engine: Engine): boolean {
  for (const one of ROWS) if (engine.table.byName(one.name) === null) engine.table.add(one);
  const needed = ["info", "select", "keys", "type", "object|encoding", "pttl", "get"];
  return needed.every((name) => engine.table.byName(name) !== null);
}
