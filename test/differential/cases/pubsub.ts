/** Publish and subscribe: replies, messages, and what a client with subscriptions may run. */
import type { Case, Step } from "../case.ts";
import { show } from "../../support/resp-value.ts";

/** Names whose order is that of redis-server's hash table. */
const inAnyOrder: Step = {
  run: "PUBSUB CHANNELS",
  on: "asks",
  compare: "unordered",
};

/** Says how many frames answer a command of the subscriber. */
function frames(run: string, count: number): Step {
  return { run, frames: count };
}

function other(run: string): Step {
  return { run, on: "other" };
}

const RESTRICTED: readonly string[] = [
  ...["GET k", "SET k v", "ECHO a", "HELLO 3", "CLIENT ID", "PUBLISH a b", "INFO", "MULTI", "EXEC"],
  ...["SELECT 1", "AUTH a", "COMMAND COUNT", "PUBSUB NUMPAT", "SPUBLISH s m", "XREAD STREAMS a 0"],
  ...["nosuch", "GET", "PING a b"],
];

export const cases: readonly Case[] = [
  {
    name: "subscriptions are confirmed one by one, with their number",
    steps: [
      frames("SUBSCRIBE a b a", 3),
      frames("PSUBSCRIBE a* b* a*", 3),
      frames("SSUBSCRIBE a s s", 3),
      frames("UNSUBSCRIBE a none", 2),
      frames("UNSUBSCRIBE", 1),
      frames("UNSUBSCRIBE", 1),
      frames("PUNSUBSCRIBE none b* a*", 3),
      frames("PUNSUBSCRIBE", 1),
      frames("SUNSUBSCRIBE a", 1),
      frames("SUNSUBSCRIBE", 1),
      frames("SUNSUBSCRIBE", 1),
      "PING",
    ],
  },
  {
    name: "all that is left ends in any order",
    steps: [
      frames("SUBSCRIBE a b c", 3),
      {
        run: "UNSUBSCRIBE",
        frames: 3,
        // Which of the three comes when is the hash table's business; how many are left is not.
        compare: (ours, theirs) =>
          show(ours).replace(/"[abc]"/, "") === show(theirs).replace(/"[abc]"/, ""),
      },
      "PING",
    ],
  },
  {
    name: "messages reach channels, patterns and shards, each its own",
    steps: [
      frames("SUBSCRIBE news", 1),
      frames("PSUBSCRIBE n?ws*", 1),
      frames("SSUBSCRIBE news", 1),
      other("PUBLISH news hello"),
      other("PUBLISH newspaper x"),
      other("PUBLISH nobody y"),
      other("SPUBLISH news shard"),
      other("SPUBLISH nobody shard"),
      other('PUBLISH news "\\x00\\r\\n\\xff"'),
      frames("PING", 2 + 1 + 1 + 2 + 1),
      frames("PUNSUBSCRIBE", 1),
      frames("UNSUBSCRIBE", 1),
      frames("SUNSUBSCRIBE", 1),
      other("PUBLISH news gone"),
    ],
  },
  {
    name: "PUBLISH counts messages, not clients",
    steps: [
      frames("SUBSCRIBE a", 1),
      frames("PSUBSCRIBE a", 1),
      { run: "PSUBSCRIBE ? *", on: "second", frames: 2 },
      other("PUBLISH a x"),
      other('PUBLISH "" x'),
      frames("PING", 3),
    ],
  },
  {
    name: "PUBSUB lists and counts",
    steps: [
      frames("SUBSCRIBE a b", 2),
      frames("PSUBSCRIBE a* b*", 2),
      frames("SSUBSCRIBE s", 1),
      { run: "SUBSCRIBE b", on: "second" },
      { run: "PSUBSCRIBE a*", on: "second" },
      inAnyOrder,
      ...["PUBSUB CHANNELS a", "PUBSUB CHANNELS z*", "PUBSUB CHANNELS a b", "PUBSUB NUMPAT"].map(
        (run) => ({ run, on: "asks" }),
      ),
      ...["PUBSUB NUMSUB", "PUBSUB NUMSUB a b c a", "PUBSUB SHARDCHANNELS", "PUBSUB NUMPAT x"].map(
        (run) => ({ run, on: "asks" }),
      ),
      ...["PUBSUB SHARDNUMSUB s t", "PUBSUB SHARDCHANNELS t", "PUBSUB", "PUBSUB nosuch"].map(
        (run) => ({ run, on: "asks" }),
      ),
    ],
  },
  {
    name: "a client with subscriptions may run little with RESP2",
    protocols: [2],
    steps: [
      frames("SUBSCRIBE a", 1),
      ...RESTRICTED,
      "PING",
      "PING hello",
      frames("SSUBSCRIBE s", 1),
      frames("UNSUBSCRIBE", 1),
      "GET k",
      frames("SUNSUBSCRIBE", 1),
      "GET k",
      frames("PSUBSCRIBE p", 1),
      "GET k",
      "RESET",
      "GET k",
      "PING",
    ],
  },
  {
    name: "a client with subscriptions may run anything with RESP3",
    protocols: [3],
    steps: [
      frames("SUBSCRIBE a", 1),
      ...[
        "SET k v",
        "GET k",
        "ECHO a",
        "PING",
        "PING hello",
        "MULTI",
        "GET k",
        "EXEC",
        "BLPOP l 0.01",
      ],
      // One that goes back to RESP2 is held to its rules.
      { run: "HELLO 2", compare: "type" },
      ...["GET k", "PING", "HELLO 3"],
      frames("UNSUBSCRIBE", 1),
      "GET k",
    ],
  },
  {
    name: "QUIT ends a connection with subscriptions",
    steps: [frames("SUBSCRIBE a", 1), "QUIT"],
  },
  {
    name: "subscriptions are confirmed though replies are switched off",
    steps: [
      frames("CLIENT REPLY OFF", 0),
      frames("SUBSCRIBE a", 1),
      frames("UNSUBSCRIBE a none", 2),
      frames("GET k", 0),
      "CLIENT REPLY ON",
    ],
  },
  {
    name: "subscribing inside a transaction",
    steps: [...["MULTI", "SUBSCRIBE a", "SET k v", "UNSUBSCRIBE a"], { run: "EXEC", frames: 1 }],
    protocols: [2],
  },
  {
    name: "wrong numbers of arguments",
    steps: [
      ...["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "PUBLISH", "PUBLISH a", "PUBLISH a b c"],
      ...["SPUBLISH", "SPUBLISH a", "SPUBLISH a b c", "PUBSUB HELP x"],
    ],
  },
];
