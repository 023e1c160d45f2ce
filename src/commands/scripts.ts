/** EVAL and its forms, and SCRIPT. */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { killOrReply } from "./busy.ts";
import { helpOf } from "./help.ts";
import type { CommandRow, Handler, KeySpec } from "./row.ts";
import type { Script } from "./script-cache.ts";
import { SHA_LENGTH } from "./script-cache.ts";
import type { ScriptFlags } from "./script-flags.ts";
import { readShebang } from "./script-flags.ts";
import type { Session } from "./session.ts";

const NO_SCRIPT_FOUND = "NOSCRIPT No matching script. Please use EVAL.";

function evaluate(readOnly: boolean): Handler {
  return (session, args, reply) => {
    const { scripts } = session.engine;
    const script = scripts.cache.add(args.text(1), false);
    if (typeof script === "string") return reply.error(script);
    scripts.run(session, args, reply, script, 2, readOnly);
  };
}

function evaluateSha(readOnly: boolean): Handler {
  return (session, args, reply) => {
    const script = findScript(session, args, 1);
    if (script === undefined) return reply.error(NO_SCRIPT_FOUND);
    session.engine.scripts.run(session, args, reply, script, 2, readOnly);
  };
}

function findScript(session: Session, args: Args, at: number): Script | undefined {
  if (args.length(at) !== SHA_LENGTH) return undefined;
  return session.engine.scripts.cache.findAt(args.bytes, args.start(at));
}

function flagsOfText(_session: Session, args: Args): ScriptFlags | null {
  const read = readShebang(args.text(1));
  return typeof read === "string" ? null : read.flags;
}

function flagsOfSha(session: Session, args: Args): ScriptFlags | null {
  return findScript(session, args, 1)?.flags ?? null;
}

function load(session: Session, args: Args, reply: Reply): void {
  const script = session.engine.scripts.cache.add(args.text(2), true);
  if (typeof script === "string") reply.error(script);
  else reply.text(script.sha);
}

function exists(session: Session, args: Args, reply: Reply): void {
  reply.array(args.count - 2);
  for (let at = 2; at < args.count; at++) {
    reply.integer(findScript(session, args, at) === undefined ? 0 : 1);
  }
}

function flush(session: Session, args: Args, reply: Reply): void {
  const isKnown = args.count === 2 || args.is(2, "SYNC") || args.is(2, "ASYNC");
  if (!isKnown || args.count > 3) {
    return reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  session.engine.scripts.cache.clear();
  reply.ok();
}

function show(session: Session, args: Args, reply: Reply): void {
  const script = findScript(session, args, 2);
  if (script === undefined) reply.error(NO_SCRIPT_FOUND);
  else reply.text(script.text);
}

function kill(session: Session, _args: Args, reply: Reply): void {
  killOrReply(session.engine, false, reply);
}

function debug(_session: Session, args: Args, reply: Reply): void {
  if (args.is(2, "NO")) return reply.ok();
  if (args.is(2, "YES") || args.is(2, "SYNC")) {
    return reply.error("ERR There is no debugger for scripts");
  }
  reply.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

const HELP: readonly string[] = [
  "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DEBUG (YES|SYNC|NO)",
  "    Not available: there is no debugger.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Tell for each of the scripts whether it is known.",
  "FLUSH [ASYNC|SYNC]",
  "    Forget all scripts.",
  "KILL",
  "    Stop the script that is running.",
  "LOAD <script>",
  "    Compile a script and remember it, without running it.",
  "SHOW <sha1>",
  "    Return the text of a script.",
  "HELP",
  "    Print this help.",
];

const KEYS: readonly KeySpec[] = [
  {
    flags: "RW access update",
    begin: 2,
    find: { countAt: 0, firstKey: 1, step: 1 },
    notes: "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
  },
];
const READ_KEYS: readonly KeySpec[] = [
  {
    flags: "RO access",
    begin: 2,
    find: { countAt: 0, firstKey: 1, step: 1 },
    notes: "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
  },
];

const ARGUMENTS = "numkeys:integer [key:key...] [arg:string...]";
const FLAGS = "noscript stale skip_monitor may_replicate no_mandatory_keys movablekeys";
const READ_FLAGS = "readonly noscript stale skip_monitor no_mandatory_keys movablekeys";
const COMPLEXITY = "Depends on the script that is executed.";

export const scriptRows: readonly CommandRow[] = [
  {
    name: "eval",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    since: "2.6.0",
    group: "scripting",
    summary: "Runs a Lua script.",
    complexity: COMPLEXITY,
    syntax: `script:string ${ARGUMENTS}`,
    scriptFlags: flagsOfText,
    handler: evaluate(false),
  },
  {
    name: "evalsha",
    arity: -3,
    flags: FLAGS,
    keys: KEYS,
    since: "2.6.0",
    group: "scripting",
    summary: "Runs a Lua script that is known by its SHA1.",
    complexity: COMPLEXITY,
    syntax: `sha1:string ${ARGUMENTS}`,
    scriptFlags: flagsOfSha,
    handler: evaluateSha(false),
  },
  {
    name: "eval_ro",
    arity: -3,
    flags: READ_FLAGS,
    keys: READ_KEYS,
    since: "7.0.0",
    group: "scripting",
    summary: "Runs a Lua script that only reads.",
    complexity: COMPLEXITY,
    syntax: `script:string ${ARGUMENTS}`,
    scriptFlags: flagsOfText,
    handler: evaluate(true),
  },
  {
    name: "evalsha_ro",
    arity: -3,
    flags: READ_FLAGS,
    keys: READ_KEYS,
    since: "7.0.0",
    group: "scripting",
    summary: "Runs a Lua script that only reads, by its SHA1.",
    complexity: COMPLEXITY,
    syntax: `sha1:string ${ARGUMENTS}`,
    scriptFlags: flagsOfSha,
    handler: evaluateSha(true),
  },
  {
    name: "script",
    arity: -2,
    flags: "",
    since: "2.6.0",
    group: "scripting",
    summary: "A container of commands about scripts.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "load",
        arity: 3,
        flags: "noscript stale",
        since: "2.6.0",
        group: "scripting",
        summary: "Compiles a script and remembers it.",
        complexity: "O(N) with N being the length in bytes of the script body.",
        syntax: "script:string",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: load,
      },
      {
        name: "exists",
        arity: -3,
        flags: "noscript",
        since: "2.6.0",
        group: "scripting",
        summary: "Tells whether scripts are known.",
        complexity:
          "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
        syntax: "sha1:string...",
        tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
        handler: exists,
      },
      {
        name: "flush",
        arity: -2,
        flags: "noscript",
        since: "2.6.0",
        group: "scripting",
        summary: "Forgets all scripts.",
        complexity: "O(N) with N being the number of scripts in cache",
        syntax: "[flush-type:<async:ASYNC|sync:SYNC>@6.2.0]",
        history: [["6.2.0", "The options `ASYNC` and `SYNC`."]],
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: flush,
      },
      {
        name: "kill",
        arity: 2,
        flags: "noscript allow_busy",
        since: "2.6.0",
        group: "scripting",
        summary: "Stops the script that is running.",
        complexity: "O(1)",
        tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
        handler: kill,
      },
      {
        name: "debug",
        arity: 3,
        flags: "noscript",
        since: "3.2.0",
        group: "scripting",
        summary: "Would choose the debugger's mode.",
        complexity: "O(1)",
        syntax: "mode:<yes:YES|sync:SYNC|no:NO>",
        handler: debug,
      },
      {
        name: "show",
        arity: 3,
        flags: "noscript",
        since: "8.0.0",
        group: "scripting",
        summary: "Returns the text of a script.",
        complexity: "O(1)",
        syntax: "sha1:string",
        handler: show,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "5.0.0",
        group: "scripting",
        summary: "Prints what the subcommands are.",
        complexity: "O(1)",
        handler: helpOf(HELP),
      },
    ],
  },
];
