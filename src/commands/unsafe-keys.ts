/**
 * Which keys have changed by effects that are not safe yet, so that whoever reads other keys need not wait for a sync: for every key
 * the offset behind the last effect that names it. Only with `appendfsync always`, where a reply may wait long.
 *
 * The table has a place for each value of a hash, and no keys: of two keys in one place the later offset counts, so whoever reads the
 * other one may wait though he need not, never the other way round. Nothing is cleared: offsets only grow, and one that is safe
 * means nothing.
 *
 * Keys are taken from the effects themselves, the bytes that the log gets: what none of them names has not changed. An effect whose
 * keys are not known (FLUSHALL, SWAPDB, a function library) counts for all. Databases are not told apart.
 */
import { hashBytes, HASH_WORDS } from "../base/hash.ts";
import type { CommitGate, EffectReader } from "../effects/commit-gate.ts";
import type { Args } from "../protocol/args.ts";
import { FRAME, RespParser } from "../protocol/resp-request.ts";
import type { Command } from "./command.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { Session } from "./session.ts";
import { RESTRICTED } from "./session.ts";
import type { CommandTable } from "./table.ts";

const PLACES = 8192;
const SEED = { k0: 0x2545f491, k1: 0x4f6cdd1d };
/** Effects that say how others belong together. */
const FRAMING: ReadonlySet<string> = new Set(["multi", "exec", "select"]);

const words = new Int32Array(HASH_WORDS);

export class UnsafeKeys implements EffectReader {
  readonly #table: CommandTable;
  readonly #gate: CommitGate;
  readonly #parser: RespParser = new RespParser();
  readonly #keys: KeyList = new KeyList();
  #offsets: Float64Array = new Float64Array(0);
  /** Effects before it may have changed any key. */
  #anyKey = 0;

  constructor(table: CommandTable, gate: CommitGate) {
    this.#table = table;
    this.#gate = gate;
    this.#parser.bulkSizeMax = Infinity;
  }

  // ---- effects ----

  forget(offset: number): void {
    this.#anyKey = offset;
  }

  read(bytes: Buffer, from: number, to: number, base: number): number {
    if (this.#offsets.length === 0) this.#offsets = new Float64Array(PLACES);
    const parser = this.#parser;
    parser.rewind(from);
    let read = from;
    while (parser.next(bytes, to) === FRAME) {
      read = parser.pos;
      this.#note(parser.args, base + read);
    }
    return read;
  }

  /** Notes the keys of an effect that ends at `offset`. */
  #note(args: Args, offset: number): void {
    let command = this.#table.findOwn(args);
    if (command !== null && command.subcommands !== null && args.count > 1) {
      command = command.subcommands.get(args.text(1).toUpperCase()) ?? null;
    }
    if (command !== null && FRAMING.has(command.fullName)) return;
    const keys = this.#keys;
    if (command === null || !command.namesItsKeys || !extractKeys(command, args, 0, keys)) {
      this.#anyKey = offset;
      return;
    }
    for (let i = 0; i < keys.count; i++) this.#offsets[placeOf(args, keys.positions[i]!)] = offset;
  }

  // ---- replies ----

  /**
   * The offset of the effects that the reply shows which was just made to a session.
   * @param args of its last command, which had no effect itself
   */
  shownTo(session: Session, args: Args): number {
    const { lastCommand: command, special } = session;
    const gate = this.#gate;
    if (command === null || (special & ~RESTRICTED) !== 0) return gate.offset;
    if (command.showsNoData) return 0;
    if (!command.onlyReadsItsKeys || !gate.catchUp()) return gate.offset;
    return this.#lastOf(command, args, gate.offset);
  }

  #lastOf(command: Command, args: Args, otherwise: number): number {
    const keys = this.#keys;
    if (!extractKeys(command, args, 0, keys)) return otherwise;
    let last = this.#anyKey;
    for (let i = 0; i < keys.count; i++) {
      last = Math.max(last, this.#offsets[placeOf(args, keys.positions[i]!)] ?? 0);
    }
    return last;
  }
}

function placeOf(args: Args, index: number): number {
  return hashBytes(args.bytes, args.start(index), args.end(index), SEED, words) & (PLACES - 1);
}
