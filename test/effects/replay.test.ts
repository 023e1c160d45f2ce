/** The effects of random commands, run again on an empty engine, give the same data. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { DocCommand } from "../differential/grammar.ts";
import { rounds, seeded } from "../support/seed.ts";
import { readDataCommands, someCommand } from "./random-commands.ts";
import { createEngine, dataOf, replay, send, takeEffects, takeReply } from "./two-engines.ts";

const SEQUENCES = 60 * rounds;
const SEQUENCE_LENGTH = 120;
const SESSIONS = 4;

/** Takes seconds, or answers without end; none of them writes. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "pfselftest",
  "hrandfield",
  "srandmember",
  "zrandmember",
]);

describe("effects", () => {
  let docs: DocCommand[];
  beforeAll(async () => {
    docs = await readDataCommands(LEFT_OUT);
  });

  test(
    "of random commands give the same data when they are run again",
    () => {
      const random = seeded("effects, run again");
      for (let i = 0; i < SEQUENCES; i++) {
        const first = createEngine();
        first.record(true);
        const sessions = Array.from({ length: SESSIONS }, () => first.createSession());
        const said: string[] = [];
        for (let n = 0; n < SEQUENCE_LENGTH; n++) {
          if (random.below(8) === 0) {
            const ms = random.below(4) === 0 ? 120_000 : random.below(3000);
            first.clock.advance(ms);
            said.push(`(${ms} ms later)`);
            first.beginTurn();
            if (random.below(2) === 0) while (first.keyspace.housekeep(1e6));
            first.beat();
          }
          const session = sessions[random.below(SESSIONS)]!;
          if (session.blocked) continue;
          const line = someCommand(random, docs);
          const reply = send(session, line);
          said.push(`${JSON.stringify(line)} -> ${JSON.stringify(reply.slice(0, 60))}`);
          for (const one of sessions) takeReply(one);
        }
        const stream = takeEffects(first);
        const second = createEngine();
        second.clock.freeze(first.clock.nowMs + random.below(2) * 1e9);
        try {
          replay(second, stream);
          second.clock.freeze(first.clock.nowMs);
          expect(dataOf(second)).toEqual(dataOf(first));
        } catch (error) {
          console.log(said.join("\n"));
          console.log(stream.toString("latin1").replaceAll("\r\n", " ").slice(-6000));
          throw error;
        }
        first.keyspace.release();
        second.keyspace.release();
      }
    },
    { timeout: 60_000 * rounds },
  );
});
