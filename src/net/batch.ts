/**
 * The commands of a chunk that are scanned ahead of their turn: a pipeline's frames are cut out of the stream first, up
 * to BATCH_MAX at a time, and looked up in the command table; the memory that their keys and members lie in is asked for together,
 * and then they run one after another. One object serves all connections, since a batch never outlives the callback that it was
 * scanned in.
 */
import type { Command } from "../commands/command.ts";
import type { Engine } from "../commands/engine.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import { LOOKAHEAD_MAX, type Lookahead } from "../keyspace/lookahead.ts";
import type { MemberLookahead } from "../keyspace/member-lookahead.ts";
import { Args } from "../protocol/args.ts";
import { NativeParser } from "../protocol/native.ts";
import type { ParseResult } from "../protocol/resp-request.ts";
import { FRAME, type RespParser } from "../protocol/resp-request.ts";

const BATCH_MAX: number = LOOKAHEAD_MAX;

export class Batch {
  /** Frames scanned. */
  count = 0;
  /** Arguments by frame. */
  readonly frames: Args[] = Array.from({ length: BATCH_MAX }, () => new Args());
  /** Command by frame; null where the table has none. */
  readonly commands: (Command | null)[] = Array.from({ length: BATCH_MAX }, () => null);
  /** Where each frame begins. */
  readonly starts: Int32Array = new Int32Array(BATCH_MAX);
  readonly #table: CommandTable;
  readonly #nativeCommands: readonly Command[];
  readonly #lookahead: Lookahead;
  readonly #members: MemberLookahead;

  constructor(engine: Engine) {
    const { lookahead, members } = engine.keyspace.store;
    this.#table = engine.table;
    this.#nativeCommands = engine.nativeCommands;
    this.#lookahead = lookahead;
    this.#members = members;
  }

  /**
   * Scans frames of bytes[parser position, end).
   * @param limit frames at most
   * @returns FRAME if there may be more of them, else what the parser said last
   */
  scan(parser: RespParser | NativeParser, bytes: Buffer, end: number, limit: number): ParseResult {
    const { frames, commands, starts } = this;
    const native = parser instanceof NativeParser;
    const most = Math.min(limit, BATCH_MAX);
    let count = 0;
    let result: ParseResult = FRAME;
    while (count < most) {
      result = parser.next(bytes, end);
      if (result !== FRAME) break;
      // The frame keeps its arguments, and the parser goes on with those of an earlier one.
      const { args } = parser;
      parser.args = frames[count]!;
      frames[count] = args;
      starts[count] = parser.frameStart;
      commands[count] = native ? this.#nativeCommands[parser.command]! : this.#table.find(args);
      count++;
    }
    this.count = count;
    return result;
  }

  /** Asks for the entries of the keys that the frames name, and then for the members of what these hold. */
  prefetch(database: Database, native: boolean): void {
    const lookahead = this.#lookahead;
    // Keys that are not the same as the one before.
    let keys = 0;
    let members = 0;
    lookahead.clear();
    for (let i = 0; i < this.count; i++) {
      const command = this.commands[i];
      const args = this.frames[i]!;
      // Arguments of the native protocol begin with the key, others with the command's name.
      const keyAt = native ? 0 : (command?.keyAt ?? 0);
      if ((keyAt === 0 && !native) || args.count <= keyAt) {
        lookahead.skip();
        continue;
      }
      if (lookahead.add(args.bytes, args.start(keyAt), args.end(keyAt))) keys++;
      if (command!.memberAt !== 0) members++;
    }
    if (keys > 1) database.prefetch();
    if (members > 0) this.#prefetchMembers(database);
  }

  #prefetchMembers(database: Database): void {
    const members = this.#members;
    const { hashes } = this.#lookahead;
    const keys = database.dict;
    members.begin();
    for (let i = 0; i < this.count; i++) {
      const at = this.commands[i]?.memberAt ?? 0;
      if (at === 0) continue;
      const args = this.frames[i]!;
      const index = at < 0 ? args.count + at : at;
      // Behind name and key.
      if (index < 2 || index >= args.count) continue;
      members.add(keys, hashes[i]!, args.bytes, args.start(index), args.end(index));
    }
    members.fetch();
  }

  /** The arguments of a frame, which runs next. */
  take(index: number): Args {
    this.#lookahead.next = index;
    return this.frames[index]!;
  }

  /** Ends the batch. */
  clear(): void {
    this.count = 0;
    this.#lookahead.clear();
    this.#members.end();
  }
}
