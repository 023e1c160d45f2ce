/**
 * The commands of a chunk that are scanned ahead of their turn: a pipeline's frames are cut out of the stream first, up
 * to BATCH_MAX at a time, the memory that their keys lie in is asked for together, and then they run one after another.
 * One object serves all connections, since a batch never outlives the callback that it was scanned in.
 */
import type { Database } from "../keyspace/database.ts";
import { LOOKAHEAD_MAX, type Lookahead } from "../keyspace/lookahead.ts";
import type { MemberLookahead } from "../keyspace/member-lookahead.ts";
import { Args } from "../protocol/args.ts";
import { NativeParser } from "../protocol/native.ts";
import type { ParseResult } from "../protocol/resp-request.ts";
import { FRAME, type RespParser } from "../protocol/resp-request.ts";

const BATCH_MAX: number = LOOKAHEAD_MAX;
/** Bytes of "SET". */
const SHORT_NAME = 3;

export class Batch {
  /** Frames scanned. */
  count = 0;
  /** Arguments by frame. */
  readonly frames: Args[] = Array.from({ length: BATCH_MAX }, () => new Args());
  /** Number of the native command by frame. */
  readonly commands: Int32Array = new Int32Array(BATCH_MAX);
  /** Where each frame begins. */
  readonly starts: Int32Array = new Int32Array(BATCH_MAX);
  readonly #lookahead: Lookahead;
  readonly #members: MemberLookahead;

  constructor(lookahead: Lookahead, members: MemberLookahead) {
    this.#lookahead = lookahead;
    this.#members = members;
  }

  /**
   * Scans frames of bytes[parser position, end).
   * @param limit frames at most
   * @returns FRAME if there may be more of them, else what the parser said last
   */
  scan(parser: RespParser | NativeParser, bytes: Buffer, end: number, limit: number): ParseResult {
    const { frames } = this;
    const most = Math.min(limit, BATCH_MAX);
    let count = 0;
    let result: ParseResult = FRAME;
    while (count < most) {
      result = parser.next(bytes, end);
      if (result !== FRAME) break;
      // The frame keeps its arguments, and the parser goes on with those of an earlier one.
      const spare = frames[count]!;
      frames[count] = parser.args;
      parser.args = spare;
      this.starts[count] = parser.frameStart;
      if (parser instanceof NativeParser) this.commands[count] = parser.command;
      count++;
    }
    this.count = count;
    return result;
  }

  /** Asks for the entries of the keys that the frames name. */
  prefetch(database: Database, native: boolean): void {
    const lookahead = this.#lookahead;
    const keyAt = native ? 0 : 1;
    lookahead.clear();
    for (let i = 0; i < this.count; i++) {
      const args = this.frames[i]!;
      if (args.count > keyAt) lookahead.add(args.bytes, args.starts[keyAt]!, args.ends[keyAt]!);
      else lookahead.add(args.bytes, 0, 0);
    }
    database.prefetch();
    if (!native) this.#prefetchMembers(database);
  }

  /** Asks for the members that the frames may be about. */
  #prefetchMembers(database: Database): void {
    const members = this.#members;
    const { hashes } = this.#lookahead;
    const keys = database.dict;
    members.begin();
    for (let i = 0; i < this.count; i++) {
      const args = this.frames[i]!;
      const { count, starts, ends } = args;
      if (count !== 3 && count !== 4) continue;
      // No command of three letters is about a member, and most commands with two arguments are SET.
      if (args.length(0) === SHORT_NAME) continue;
      const last = count - 1;
      const { bytes } = args;
      members.add(keys, hashes[i]!, bytes, starts[2]!, ends[2]!, starts[last]!, ends[last]!);
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
  }
}
