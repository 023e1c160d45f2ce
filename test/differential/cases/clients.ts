/** What is known of clients in every state, what ends the states, and what operators do with clients by their states. */
import { sameFlags } from "../client-fields.ts";
import type { Case, Step } from "../case.ts";
import { lines } from "../lines.ts";

const state: Step = { run: "CLIENT INFO", compare: sameFlags };

/** Lines that bring a connection into a state; what they answer is not the point. */
const STATES: Readonly<Record<string, readonly Step[]>> = {
  "nothing special": [],
  "a name and a database": lines("CLIENT SETNAME me; SELECT 3"),
  "a transaction": lines("MULTI; SET a 1"),
  "a transaction that failed": lines("MULTI; NOSUCH"),
  "watched keys": lines("WATCH a b"),
  "a watched key that has changed": lines("SET a 1; WATCH a; SET a 2"),
  subscriptions: [
    { run: "SUBSCRIBE a", frames: 1 },
    { run: "PSUBSCRIBE b*", frames: 1 },
    { run: "SSUBSCRIBE c", frames: 1 },
  ],
  tracking: lines("CLIENT TRACKING ON"),
  "tracking by prefix": lines("CLIENT TRACKING ON BCAST PREFIX x NOLOOP"),
  "tracking to another connection": [{ run: "CLIENT TRACKING ON REDIRECT {id:other}" }],
  "no eviction": lines("CLIENT NO-EVICT ON"),
  "transaction, watched keys and tracking": lines("CLIENT TRACKING ON OPTIN; WATCH a; MULTI; PING"),
};

const AFTER: readonly Step[] = [
  state,
  ...lines("CLIENT GETNAME; CLIENT GETREDIR; CLIENT TRACKINGINFO; EXEC; MULTI; PING; EXEC; DBSIZE"),
];

/** How many of the connections are meant, whatever their numbers. */
const chosen = lines(
  "CLIENT KILL TYPE pubsub; CLIENT KILL TYPE normal; CLIENT KILL TYPE pubsub SKIPME no",
);

export const cases: readonly Case[] = [
  // Since 7.2 RESET ends NO-EVICT as well.
  ...Object.entries(STATES)
    .filter(([name]) => name !== "no eviction")
    .map(([name, steps]): Case => ({
      name: `RESET after ${name}`,
      steps: [...steps, "RESET", ...AFTER],
    })),
  ...Object.entries(STATES).flatMap(([name, steps]): Case[] => [
    {
      name: `another client sees ${name}, and may kill it`,
      steps: [
        ...steps,
        { run: "CLIENT LIST ID {id:}", on: "operator", compare: sameFlags },
        { run: "CLIENT KILL ID {id:}", on: "operator" },
        { run: "CLIENT LIST ID {id:}", on: "operator", compare: sameFlags },
        { run: "CLIENT KILL ID {id:}", on: "operator" },
        ...lines("SET a 5; INFO clients").map((run): Step => ({
          run,
          on: "operator",
          compare: run.startsWith("INFO") ? "type" : "exact",
        })),
      ],
    },
  ]),
  ...["subscriptions", "nothing special", "tracking"].map((name): Case => ({
    name: `kinds of clients: ${name}`,
    steps: [
      ...STATES[name]!,
      ...chosen.map((run): Step => ({ run, on: "operator" })),
      { run: "PING", on: "operator" },
    ],
  })),
  {
    name: "HELLO in a transaction is queued, whatever its arguments",
    steps: [
      ...lines(
        "MULTI; HELLO 2 SETNAME a; HELLO 9; HELLO x; HELLO 2 SETNAME; HELLO 2 AUTH default x",
      ),
      { run: "EXEC", compare: (ours, theirs) => ours.type === theirs.type },
      "CLIENT GETNAME",
    ],
  },
  {
    name: "HELLO keeps a transaction, watched keys and tracking",
    protocols: [3],
    steps: [
      ...lines("CLIENT TRACKING ON; GET a; WATCH b"),
      { run: "HELLO 3 SETNAME other", compare: "type" },
      state,
      { run: "SET a 1", on: "other" },
      { run: "PING", frames: 2 },
      { run: "SET b 1", on: "other" },
      ...lines("MULTI; PING; EXEC; CLIENT GETNAME"),
    ],
  },
  {
    name: "what is told of a client within its transaction is of the time when it runs",
    steps: [
      ...lines(
        "MULTI; CLIENT SETNAME inside; CLIENT GETNAME; SELECT 4; CLIENT ID; CLIENT NO-EVICT ON",
      ),
      { run: "EXEC", compare: "type" },
      state,
      ...lines("CLIENT GETNAME"),
    ],
  },
  {
    name: "CLIENT UNBLOCK of clients that do not wait",
    steps: [
      { run: "PING", on: "other" },
      { run: "CLIENT UNBLOCK {id:other}" },
      { run: "CLIENT UNBLOCK {id:other} ERROR" },
      { run: "CLIENT UNBLOCK {id:}" },
      "CLIENT UNBLOCK 999999",
      "CLIENT UNBLOCK x",
      "CLIENT UNBLOCK 1 NOSUCH",
    ],
  },
];
