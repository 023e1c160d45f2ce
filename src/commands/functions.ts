/** FCALL and FUNCTION. */
import { matchesGlob } from "../base/glob.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { killOrReply } from "./busy.ts";
import type { EngineName, Library } from "./function-libraries.ts";
import { helpOf } from "./help.ts";
import type { CommandRow, Handler, KeySpec } from "./row.ts";
import type { ScriptFlags } from "./script-flags.ts";
import type { Session } from "./session.ts";

function flagsOfFunction({ engine }: Session, args: Args): ScriptFlags | null {
  return engine.functions.find(args.text(1))?.flags ?? null;
}

function callFunction(readOnly: boolean): Handler {
  return (session, args, reply) => {
    const { functions, scripts } = session.engine;
    const found = functions.find(args.text(1));
    if (found === undefined) return reply.error("ERR Function not found");
    const { name, flags, callback, library } = found;
    if (callback === null) {
      const script = { name, flags, realm: library.place };
      return functions.compiler.typescript.run(session, args, reply, script, readOnly);
    }
    const runnable = { name, flags, main: callback, isFunction: true, source: library.body };
    scripts.run(session, args, reply, runnable, 2, readOnly);
  };
}

/** Notes that the libraries have changed, which are part of the data. */
function changedLibraries(session: Session): void {
  session.engine.keyspace.store.changes++;
}

function load(session: Session, args: Args, reply: Reply): void {
  const last = args.count - 1;
  let replace = false;
  for (let at = 2; at < last; at++) {
    if (!args.is(at, "REPLACE")) return reply.error(`ERR Unknown option given: ${args.text(at)}`);
    replace = true;
  }
  const loaded = session.engine.functions.load(args.text(last), replace);
  if (typeof loaded === "string") return reply.error(loaded);
  changedLibraries(session);
  reply.text(loaded[0]);
}

function remove(session: Session, args: Args, reply: Reply): void {
  if (!session.engine.functions.delete(args.text(2))) return reply.error("ERR Library not found");
  changedLibraries(session);
  reply.ok();
}

function flush(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return reply.error(wrongArguments(args));
  if (args.count === 3 && !args.is(2, "SYNC") && !args.is(2, "ASYNC")) {
    return reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  session.engine.functions.clear();
  changedLibraries(session);
  reply.ok();
}

function wrongArguments(args: Args): string {
  const word = args.text(1).split("\0", 1)[0]!;
  return `ERR unknown subcommand or wrong number of arguments for '${word}'. Try FUNCTION HELP.`;
}

function list(session: Session, args: Args, reply: Reply): void {
  let withCode = false;
  let pattern: string | null = null;
  for (let at = 2; at < args.count; at++) {
    if (!withCode && args.is(at, "WITHCODE")) {
      withCode = true;
    } else if (pattern === null && args.is(at, "LIBRARYNAME")) {
      if (++at === args.count) return reply.error("ERR library name argument was not given");
      pattern = args.text(at);
    } else {
      return reply.error(`ERR Unknown argument ${args.text(at).split("\0", 1)[0]}`);
    }
  }
  const shown = [...session.engine.functions.libraries].filter(
    ({ name }) => pattern === null || matches(name, pattern),
  );
  reply.array(shown.length);
  for (const library of shown) writeLibrary(reply, library, withCode);
}

/** Letters of either case are the same. */
function matches(name: string, pattern: string): boolean {
  const bytes = Buffer.from(name, "latin1");
  const glob = Buffer.from(pattern, "latin1");
  return matchesGlob(glob, 0, glob.length, bytes, 0, bytes.length, true);
}

function writeLibrary(reply: Reply, library: Library, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.text("library_name");
  reply.text(library.name);
  reply.text("engine");
  reply.text(library.engine);
  reply.text("functions");
  reply.array(library.functions.length);
  for (const { name, description, flags } of library.functions) {
    reply.map(3);
    reply.text("name");
    reply.text(name);
    reply.text("description");
    if (description === undefined) reply.null();
    else reply.text(description);
    reply.text("flags");
    reply.set(flags.names.length);
    for (const flag of flags.names) reply.simple(flag);
  }
  if (!withCode) return;
  reply.text("library_code");
  reply.text(library.code);
}

function stats(session: Session, _args: Args, reply: Reply): void {
  const { busyScript, functions, clock } = session.engine;
  if (busyScript !== null && !busyScript.isFunction) return reply.error(busyScript.refusal);
  reply.map(2);
  reply.text("running_script");
  if (busyScript === null) {
    reply.null();
  } else {
    reply.map(3);
    reply.text("name");
    reply.text(busyScript.name);
    reply.text("command");
    reply.array(busyScript.commandLine.length);
    for (const word of busyScript.commandLine) reply.text(word);
    reply.text("duration_ms");
    reply.integer(Math.max(0, Math.round(clock.monotonicMs - busyScript.startedMs)));
  }
  reply.text("engines");
  const { options } = session.engine;
  const engines: EngineName[] = options.flag("enable-typescript-functions")
    ? ["LUA", "TS"]
    : ["LUA"];
  reply.map(engines.length);
  for (const engine of engines) {
    const libraries = [...functions.libraries].filter((library) => library.engine === engine);
    reply.text(engine);
    reply.map(2);
    reply.text("libraries_count");
    reply.integer(libraries.length);
    reply.text("functions_count");
    reply.integer(libraries.reduce((sum, library) => sum + library.functions.length, 0));
  }
}

function dump(session: Session, _args: Args, reply: Reply): void {
  const { functions, hooks } = session.engine;
  const payload = hooks.packLibraries(functions.codes());
  reply.bulk(payload, 0, payload.length);
}

function restore(session: Session, args: Args, reply: Reply): void {
  const { functions, hooks } = session.engine;
  if (args.count > 4) return reply.error(wrongArguments(args));
  const word = args.count === 4 ? args.text(3).toLowerCase() : "append";
  if (word !== "flush" && word !== "append" && word !== "replace") {
    return reply.error(
      "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
    );
  }
  const codes = hooks.unpackLibraries(args.bytes, args.start(2), args.end(2));
  if (typeof codes === "string") return reply.error(codes);
  const error = functions.restore(
    codes.map((code) => code.toString("latin1")),
    word,
  );
  if (error !== null) return reply.error(error);
  changedLibraries(session);
  reply.ok();
}

function kill(session: Session, _args: Args, reply: Reply): void {
  killOrReply(session.engine, true, reply);
}

const HELP: readonly string[] = [
  "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "LOAD [REPLACE] <library-code>",
  "    Load a library, whose first line names it.",
  "DELETE <library-name>",
  "    Delete a library.",
  "LIST [LIBRARYNAME pattern] [WITHCODE]",
  "    Tell of libraries and their functions, with their texts if wanted.",
  "STATS",
  "    Tell of the function that is running, and of the engines.",
  "KILL",
  "    Stop the function that is running.",
  "FLUSH [ASYNC|SYNC]",
  "    Delete all libraries.",
  "DUMP",
  "    Return all libraries as one payload.",
  "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
  "    Load the libraries of a payload: in the place of all, of none, or of those with the same names.",
  "HELP",
  "    Print this help.",
];

function keySpecs(flags: string, words: string): readonly KeySpec[] {
  const notes = `We cannot tell how the keys will be used so we assume the worst, ${words}`;
  return [{ flags, begin: 2, find: { countAt: 0, firstKey: 1, step: 1 }, notes }];
}

const ARGUMENTS = "function:string numkeys:integer [key:key...] [arg:string...]";

function subcommand(
  name: string,
  arity: number,
  flags: string,
  summary: string,
  complexity: string,
  handler: Handler,
  more: Partial<CommandRow> = {},
): CommandRow {
  const group = "scripting";
  return { name, arity, flags, since: "7.0.0", group, summary, complexity, handler, ...more };
}

const ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"];

export const functionRows: readonly CommandRow[] = [
  {
    name: "fcall",
    arity: -3,
    flags: "noscript stale skip_monitor may_replicate no_mandatory_keys movablekeys",
    keys: keySpecs("RW access update", "RW and UPDATE"),
    since: "7.0.0",
    group: "scripting",
    summary: "Calls a function of a library.",
    complexity: "Depends on the function that is executed.",
    syntax: ARGUMENTS,
    scriptFlags: flagsOfFunction,
    handler: callFunction(false),
  },
  {
    name: "fcall_ro",
    arity: -3,
    flags: "readonly noscript stale skip_monitor no_mandatory_keys movablekeys",
    keys: keySpecs("RO access", "RO and ACCESS"),
    since: "7.0.0",
    group: "scripting",
    summary: "Calls a function of a library that only reads.",
    complexity: "Depends on the function that is executed.",
    syntax: ARGUMENTS,
    scriptFlags: flagsOfFunction,
    handler: callFunction(true),
  },
  {
    name: "function",
    arity: -2,
    flags: "",
    since: "7.0.0",
    group: "scripting",
    summary: "A container of commands about functions.",
    complexity: "Depends on subcommand.",
    subcommands: [
      subcommand(
        "load",
        -3,
        "write denyoom noscript",
        "Loads a library of functions.",
        "O(1) (considering compilation time is redundant)",
        load,
        { syntax: "[replace:REPLACE] function-code:string", tips: ALL_SHARDS },
      ),
      subcommand("delete", 3, "write noscript", "Deletes a library.", "O(1)", remove, {
        syntax: "library-name:string",
        tips: ALL_SHARDS,
      }),
      subcommand(
        "flush",
        -2,
        "write noscript",
        "Deletes all libraries.",
        "O(N) where N is the number of functions deleted",
        flush,
        { syntax: "[flush-type:<async:ASYNC|sync:SYNC>]", tips: ALL_SHARDS },
      ),
      subcommand(
        "list",
        -2,
        "noscript",
        "Tells of libraries and their functions.",
        "O(N) where N is the number of functions",
        list,
        {
          syntax: "[LIBRARYNAME library-name-pattern:string] [withcode:WITHCODE]",
          tips: ["nondeterministic_output_order"],
        },
      ),
      subcommand(
        "stats",
        2,
        "noscript allow_busy",
        "Tells of the function that is running.",
        "O(1)",
        stats,
        {
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        },
      ),
      subcommand(
        "kill",
        2,
        "noscript allow_busy",
        "Stops the function that is running.",
        "O(1)",
        kill,
        { tips: ["request_policy:all_shards", "response_policy:one_succeeded"] },
      ),
      subcommand(
        "dump",
        2,
        "noscript",
        "Returns all libraries as one payload.",
        "O(N) where N is the number of functions",
        dump,
      ),
      subcommand(
        "restore",
        -3,
        "write denyoom noscript",
        "Loads the libraries of a payload.",
        "O(N) where N is the number of functions on the payload",
        restore,
        {
          syntax: "serialized-value:string [policy:<flush:FLUSH|append:APPEND|replace:REPLACE>]",
          tips: ALL_SHARDS,
        },
      ),
      subcommand(
        "help",
        2,
        "loading stale",
        "Prints what the subcommands are.",
        "O(1)",
        helpOf(HELP),
      ),
    ],
  },
];
