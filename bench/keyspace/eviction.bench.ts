/**
 * SETs that each make another key go: 64 of them, of keys that were not there, in a keyspace of a million that is full. What is above
 * the first figure, which is for keys that are there, is the price of new keys and of eviction.
 */
import { bench, group } from "mitata";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { allRows } from "../../src/all-rows.ts";
import { Engine } from "../../src/commands/engine.ts";
import { execute } from "../../src/commands/execute.ts";
import { FRAME, RespParser } from "../../src/protocol/resp-request.ts";
import { keyOf } from "../rig/requests.ts";

const DEPTH = 64;
const SEED = 11;
const LIMIT: number = 64 * 1024 * 1024;
/** SETs that fill the limit, and by which all is compiled. */
const FILLING = 1_500_000;
const CHUNK = Buffer.from(setOf(0).repeat(DEPTH));
const CHUNK_SIZE: number = CHUNK.length / DEPTH;
const DIGITS = 12;
const DIGITS_AT: number = setOf(0).indexOf(keyOf(0)) + keyOf(0).length - DIGITS;

const POLICIES = [
  ...["allkeys-random", "allkeys-lru", "allkeys-lfu"],
  ...["volatile-random", "volatile-lru", "volatile-lfu", "volatile-ttl"],
];

function setOf(index: number): string {
  return `*5\r\n$3\r\nSET\r\n$16\r\n${keyOf(index)}\r\n$16\r\nvalue-----------\r\n$2\r\nEX\r\n$6\r\n100000\r\n`;
}

/** Numbers the keys of the chunk. */
function number(next: number): void {
  for (let i = 0; i < DEPTH; i++) {
    let rest = next + i;
    const first = i * CHUNK_SIZE + DIGITS_AT;
    for (let at = first + DIGITS - 1; at >= first; at--) {
      CHUNK[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}

/** @param policy of eviction, or "" without a limit: then the keys come again */
function evicting(policy: string): () => void {
  const options = new Options(OPTION_ROWS);
  const engine = new Engine({ options, rows: allRows(), seed: SEED });
  if (policy !== "") {
    options.set("maxmemory", `${LIMIT}`);
    options.set("maxmemory-policy", policy);
  }
  const session = engine.createSession();
  const parser = new RespParser();
  let next = 0;
  const setSome = (): void => {
    number(next);
    next += DEPTH;
    engine.beginTurn();
    parser.pos = 0;
    while (parser.next(CHUNK, CHUNK.length) === FRAME) execute(session, parser.args);
    session.reply.clear();
  };
  for (let i = 0; i < FILLING / DEPTH; i++) setSome();
  if (policy !== "") return setSome;
  return () => {
    if (next >= FILLING) next = 0;
    setSome();
  };
}

group("64 SETs with a time to live", () => {
  bench("of keys that are there, without a limit", function* () {
    yield evicting("");
  });
  for (const policy of POLICIES) {
    bench(`of new keys, ${policy}`, function* () {
      yield evicting(policy);
    });
  }
});
