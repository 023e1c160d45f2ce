/** SAVE, BGSAVE and LASTSAVE. */
import { SYNTAX_ERROR } from "../commands/guards.ts";
import type { CommandRow } from "../commands/row.ts";
import type { Session } from "../commands/session.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { Saving } from "./saving.ts";

function save(session: Session, _args: Args, reply: Reply): void {
  const error = Saving.of(session.engine).save();
  if (error === null) reply.ok();
  else reply.error(error);
}

function backgroundSave(session: Session, args: Args, reply: Reply): void {
  const scheduled = args.count === 2 && args.is(1, "SCHEDULE");
  if (args.count > 1 && !scheduled) return reply.error(SYNTAX_ERROR);
  const saving = Saving.of(session.engine);
  // A snapshot never shows half of a transaction.
  const later = !session.mayWait;
  if ((scheduled || later) && !saving.isInProgress && saving.schedule(later)) {
    return reply.simple("Background saving scheduled");
  }
  const error = saving.startInBackground();
  if (error === null) reply.simple("Background saving started");
  else reply.error(error);
}

function lastSave(session: Session, _args: Args, reply: Reply): void {
  reply.integer(Math.floor(Saving.of(session.engine).lastSaveMs / 1000));
}

export const saveRows: readonly CommandRow[] = [
  {
    name: "save",
    arity: 1,
    flags: "admin noscript no_async_loading no_multi",
    since: "1.0.0",
    group: "server",
    summary: "Writes all data to the snapshot file and makes everybody wait.",
    complexity: "O(N) where N is the total number of keys in all databases",
    handler: save,
  },
  {
    name: "bgsave",
    arity: -1,
    flags: "admin noscript no_async_loading",
    since: "1.0.0",
    group: "server",
    summary: "Writes all data to the snapshot file in the background.",
    complexity: "O(1)",
    syntax: "[schedule:SCHEDULE@3.2.2]",
    history: [["3.2.2", "The option `SCHEDULE`."]],
    handler: backgroundSave,
  },
  {
    name: "lastsave",
    arity: 1,
    flags: "loading stale fast",
    since: "1.0.0",
    group: "server",
    summary: "Returns the time of the last snapshot.",
    complexity: "O(1)",
    categories: "admin dangerous",
    tips: ["nondeterministic_output"],
    handler: lastSave,
  },
];
