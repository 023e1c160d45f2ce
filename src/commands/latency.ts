/** LATENCY: how long commands take, and what kept the server busy for too long. */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Command } from "./command.ts";
import { helpOf } from "./help.ts";
import { latencyGraph } from "./latency-graph.ts";
import type { LatencySeries } from "./latency-monitor.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

// ---- events ----

function latest(session: Session, _args: Args, reply: Reply): void {
  const { events } = session.engine.latency;
  reply.array(events.size);
  for (const [name, { samples, maxMs }] of events) {
    const last = samples.at(-1)!;
    reply.array(4);
    reply.text(name);
    reply.integer(last.time);
    reply.integer(last.ms);
    reply.integer(maxMs);
  }
}

function history(session: Session, args: Args, reply: Reply): void {
  const samples = session.engine.latency.events.get(args.text(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { time, ms } of samples) {
    reply.array(2);
    reply.integer(time);
    reply.integer(ms);
  }
}

function reset(session: Session, args: Args, reply: Reply): void {
  const { events } = session.engine.latency;
  let count = 0;
  if (args.count === 2) {
    count = events.size;
    events.clear();
  }
  for (let i = 2; i < args.count; i++) if (events.delete(args.text(i))) count++;
  reply.integer(count);
}

function graph(session: Session, args: Args, reply: Reply): void {
  const name = args.text(2);
  const series = session.engine.latency.events.get(name);
  if (series === undefined) return reply.error(`ERR No samples available for event '${name}'`);
  reply.verbatim(latencyGraph(name, series, session.engine.clock.nowMs), "txt");
}

const ADVICE: Readonly<Record<string, string>> = {
  command: "SLOWLOG GET names the commands that took long. Large values are better read in parts.",
  "fast-command":
    "Commands that are never slow were: the machine was busy with something else, or out of memory.",
  "eviction-cycle":
    "Commands wait while keys are evicted. A lower maxmemory-eviction-tenacity makes them wait for less of it at a time.",
  "eviction-del": "Evicted keys have large values.",
  "active-defrag-cycle":
    "Moving blocks together takes slices of a quarter of a millisecond: the machine was busy.",
  "expire-cycle": "Many keys expire at the same time. Times that differ a little spread the work.",
};

function doctor(session: Session, _args: Args, reply: Reply): void {
  const { latency } = session.engine;
  const lines: string[] = [];
  if (!latency.active && latency.events.size === 0) {
    lines.push(
      "Latency is not monitored. CONFIG SET latency-monitor-threshold <milliseconds> begins it.",
    );
  } else if (latency.events.size === 0) {
    lines.push("Nothing has kept the server busy for longer than the threshold.");
  } else {
    for (const [name, series] of latency.events) lines.push(summaryOf(name, series));
    lines.push("");
    for (const name of latency.events.keys()) lines.push(`${name}: ${ADVICE[name] ?? ""}`);
  }
  reply.verbatim(`${lines.join("\n")}\n`, "txt");
}

function summaryOf(name: string, { samples, maxMs }: LatencySeries): string {
  const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
  const deviation = samples.reduce((sum, { ms }) => sum + Math.abs(ms - mean), 0) / samples.length;
  const seconds = samples.at(-1)!.time - samples[0]!.time;
  const period =
    samples.length > 1 ? `, one in ${(seconds / (samples.length - 1)).toFixed(1)} s` : "";
  return (
    `${name}: ${samples.length} times (mean ${mean.toFixed(0)} ms, mean deviation ${deviation.toFixed(0)} ms${period}), ` +
    `at most ${maxMs} ms.`
  );
}

// ---- commands ----

function histogram(session: Session, args: Args, reply: Reply): void {
  const { table } = session.engine;
  const chosen: Command[] = [];
  if (args.count === 2) {
    for (const command of table.loaded) chosen.push(...withSubcommands(command));
  }
  for (let i = 2; i < args.count; i++) {
    const command = table.byName(args.text(i));
    if (command !== null) chosen.push(...withSubcommands(command));
  }
  const shown = [...new Set(chosen)].filter((command) => command.latency !== null);
  reply.map(shown.length);
  for (const command of shown) {
    const steps = command.latency!.steps();
    reply.text(command.fullName);
    reply.map(2);
    reply.text("calls");
    reply.integer(command.calls);
    reply.text("histogram_usec");
    reply.map(steps.length);
    for (const { microseconds, calls } of steps) {
      reply.integer(microseconds);
      reply.integer(calls);
    }
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...(command.subcommands?.values() ?? [])];
}

const help = helpOf([
  "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DOCTOR",
  "    What was slow, and what may help.",
  "GRAPH <event>",
  "    The samples of an event, drawn.",
  "HISTORY <event>",
  "    The samples of an event: time and milliseconds.",
  "LATEST",
  "    The last sample of each event, and the longest.",
  "RESET [<event> ...]",
  "    Forgets the samples of some events (default: all).",
  "HISTOGRAM [<command> ...]",
  "    How many calls took at most how many microseconds, of some commands (default: all).",
  "HELP",
  "    Prints this text.",
]);

const SHARED = { flags: "admin noscript loading stale", since: "2.8.13", group: "server" } as const;
const DESCRIBING = [
  "nondeterministic_output",
  "request_policy:all_nodes",
  "response_policy:special",
] as const;

export const latencyRows: readonly CommandRow[] = [
  {
    name: "latency",
    arity: -2,
    flags: "",
    since: "2.8.13",
    group: "server",
    summary: "How long commands and events take.",
    complexity: "Depends on the subcommand.",
    subcommands: [
      {
        ...SHARED,
        name: "doctor",
        arity: 2,
        summary: "Describes what was slow.",
        complexity: "O(1)",
        tips: DESCRIBING,
        handler: doctor,
      },
      {
        ...SHARED,
        name: "graph",
        arity: 3,
        summary: "Draws the samples of an event.",
        complexity: "O(1)",
        syntax: "event:string",
        tips: DESCRIBING,
        handler: graph,
      },
      {
        ...SHARED,
        name: "history",
        arity: 3,
        summary: "Returns the samples of an event.",
        complexity: "O(1)",
        syntax: "event:string",
        tips: DESCRIBING,
        handler: history,
      },
      {
        ...SHARED,
        name: "latest",
        arity: 2,
        summary: "Returns the last sample of each event.",
        complexity: "O(1)",
        tips: DESCRIBING,
        handler: latest,
      },
      {
        ...SHARED,
        name: "reset",
        arity: -2,
        summary: "Forgets the samples of events.",
        complexity: "O(1)",
        syntax: "[event:string...]",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: reset,
      },
      {
        ...SHARED,
        name: "histogram",
        arity: -2,
        since: "7.0.0",
        summary: "Returns how long the calls of commands took.",
        complexity: "O(N) where N is the number of commands with latency information",
        syntax: "[command:string...]",
        tips: DESCRIBING,
        handler: histogram,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "2.8.13",
        group: "server",
        summary: "Explains the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
