/**
 * The effect stream: what every write did, as commands in RESP, one after another. Whoever keeps writes (the append-only
 * file, later replicas and the distributed log) reads these bytes; nothing else records a write.
 *
 *   buffer   | effects not taken yet       | free            | TAIL_SIZE bytes that a sink may use |
 *            0                             pos                                      buffer.length
 *   offset   = base + pos                  counts all bytes since the start and never goes back
 *
 * An effect is deterministic: run on the same data it makes the same change, whenever and wherever it runs. Times are absolute,
 * what was chosen by chance is named, ids are whole. Most commands are their own effect, word for word (`verbatim`);
 * one that is not tells its effects itself while it runs (`begin`, then the arguments). Several effects of one command, or of
 * commands that are run as one (`beginBlock`), stand between MULTI and EXEC, so that none of them is ever kept without the
 * others. SELECT is put in where the database changes.
 *
 * While nobody keeps writes, `active` is false, nothing is written here, and a command pays one comparison.
 */
import { copyBytes, freeBuffer, freeLarge } from "../base/bytes.ts";
import { EFFECT_BUFFER_KEEP, EFFECT_BUFFER_SIZE } from "../base/limits.ts";
import { INT64_DIGITS_MAX, writeInt64, writeInteger } from "../base/numbers.ts";

/** Bytes behind the effects that are left free for whoever writes them to a file. */
export const TAIL_SIZE = 64;

const CR = 13;
const LF = 10;
const DOLLAR = 0x24;
const STAR = 0x2a;

/** A type byte, digits, CR LF. */
const HEADER_MAX: number = INT64_DIGITS_MAX + 3;

const MULTI = Buffer.from("*1\r\n$5\r\nMULTI\r\n");
const EXEC = Buffer.from("*1\r\n$4\r\nEXEC\r\n");

const EMPTY = Buffer.alloc(0);
const digits = Buffer.alloc(INT64_DIGITS_MAX);

/** The arguments of a command, as `protocol/args.ts` has them. */
export interface Words {
  readonly bytes: Buffer;
  readonly count: number;
  /** Where the frame with these arguments begins in `bytes`, or -1 if they are not one whole RESP frame there. */
  readonly frame: number;
  start(index: number): number;
  end(index: number): number;
}

export class EffectStream {
  /** Somebody keeps the effects. */
  active = false;
  buffer: Buffer = EMPTY;
  /** Bytes written and not yet taken. */
  pos = 0;
  /** Effects that the command under way has told itself. */
  told = 0;
  /** Effects from this offset on have moved in the buffer since somebody set it back to infinity. */
  movedFrom = Infinity;
  /** Called when there is something to take, the first time since the last `taken`. */
  onPending: () => void = () => {};
  #base = 0;
  /** Where the effects of the command under way begin. */
  #start = 0;
  /** Blocks that are open, one within another. */
  #depth = 0;
  /** Where the outermost of them begins. */
  #blockStart = 0;
  /** Effects in it so far. */
  #blockEffects = 0;
  /** The outermost block is written as it comes; and whether its beginning stands there. */
  #isOpen = false;
  #isHeaded = false;
  /** Database that the last effect works on, or -1: the next one selects its own. */
  #database = -1;

  /** Bytes appended since the start. */
  get offset(): number {
    return this.#base + this.pos;
  }

  // ---- commands ----

  /** A command begins that may tell its effects. */
  beginCommand(): void {
    this.told = 0;
    this.#start = this.pos;
  }

  /** The command has ended: if it told several effects, they are kept together or not at all. */
  endCommand(): void {
    if (this.told > 1 && this.#depth === 0) this.#wrap(this.#start);
  }

  /** Several commands begin whose effects are kept together or not at all, until `endBlock`. Blocks may lie in one another. */
  beginBlock(): void {
    if (this.#depth++ > 0) return;
    this.#blockStart = this.pos;
    this.#blockEffects = 0;
  }

  /** The block ends: the command that it belongs to has told all its effects. */
  endBlock(): void {
    this.#depth--;
    this.told = 1;
    if (this.#depth > 0) return;
    if (!this.#isOpen) {
      if (this.#blockEffects > 1) this.#wrap(this.#blockStart);
      return;
    }
    this.#isOpen = false;
    if (!this.#isHeaded) return;
    if (this.pos === 0) this.onPending();
    this.#append(EXEC);
  }

  /**
   * The commands of the outermost block go on in later turns: it is written as it comes, and its end when it ends. A log that ends
   * before that has nothing of it.
   */
  openBlock(): void {
    this.#isOpen = true;
    this.#isHeaded = this.#blockEffects > 0;
    this.told = 1;
    if (!this.#isHeaded) return;
    this.#insertMulti(this.#blockStart);
  }

  /**
   * Everything so far is about to be taken. Commands of a block that is open did not expect that (only what changes the log itself
   * brings it about): what they did stands in a block of its own.
   */
  cutBlock(): void {
    if (this.#depth === 0 || this.#isOpen) return;
    if (this.#blockEffects > 1) this.#wrap(this.#blockStart);
    this.#blockStart = this.pos;
    this.#blockEffects = 0;
  }

  /** Puts MULTI in front of the effects from `start` on, and EXEC behind them. */
  #wrap(start: number): void {
    this.#insertMulti(start);
    this.#append(EXEC);
  }

  #insertMulti(start: number): void {
    this.#ensure(MULTI.length);
    this.buffer.copyWithin(start + MULTI.length, start, this.pos);
    MULTI.copy(this.buffer, start);
    this.pos += MULTI.length;
    this.movedFrom = Math.min(this.movedFrom, this.#base + start);
  }

  /**
   * The arguments of a command are its effect.
   * @param database index of the one it ran in @param name the command's, if it was called by another one, else null
   */
  verbatim(database: number, args: Words, name: string | null = null): void {
    const { bytes, count, frame } = args;
    if (frame >= 0 && name === null) {
      this.#select(database);
      const end = args.end(count - 1) + 2;
      this.#ensure(end - frame);
      copyBytes(this.buffer, this.pos, bytes, frame, end);
      this.pos += end - frame;
      return;
    }
    this.begin(database, count);
    if (name === null) this.argument(args, 0);
    else this.text(name.toUpperCase());
    for (let i = 1; i < count; i++) this.bytes(bytes, args.start(i), args.end(i));
  }

  // ---- effects that a command tells ----

  /** Begins an effect of `count` arguments, its name included, which must follow. */
  begin(database: number, count: number): void {
    this.told++;
    this.#select(database);
    this.#header(STAR, count);
  }

  /** An argument: bytes[start, end). */
  bytes(bytes: Buffer, start: number, end: number): void {
    this.#header(DOLLAR, end - start);
    this.#ensure(end - start + 2);
    copyBytes(this.buffer, this.pos, bytes, start, end);
    this.#endLine(this.pos + end - start);
  }

  /** An argument of the command under way, as it stands. */
  argument(args: Words, index: number): void {
    this.bytes(args.bytes, args.start(index), args.end(index));
  }

  /** An argument of text. @param text one character a byte */
  text(text: string): void {
    this.#header(DOLLAR, text.length);
    this.#ensure(text.length + 2);
    this.buffer.write(text, this.pos, "latin1");
    this.#endLine(this.pos + text.length);
  }

  /** An argument: the decimal digits of an exact integer. */
  integer(value: number): void {
    this.bytes(digits, 0, writeInteger(digits, 0, value));
  }

  /** An argument: the decimal digits of a 64-bit integer in two words. */
  int64(low: number, high: number): void {
    this.bytes(digits, 0, writeInt64(digits, 0, low, high));
  }

  /** The effect of a key that is deleted. @param name of the command that does it */
  delete(database: number, key: Buffer, start: number, end: number, name = "DEL"): void {
    this.begin(database, 2);
    this.text(name);
    this.bytes(key, start, end);
  }

  /** The effect of a key that gets a time of expiry: Unix time in ms in two words. */
  expireAt(
    database: number,
    key: Buffer,
    start: number,
    end: number,
    low: number,
    high: number,
  ): void {
    this.begin(database, 3);
    this.text("PEXPIREAT");
    this.bytes(key, start, end);
    this.int64(low, high);
  }

  /** A key's time had come: its deletion comes before what the command under way does, and is no effect of its own. */
  expired(database: number, key: Buffer, start: number, end: number): void {
    const { told } = this;
    this.delete(database, key, start, end);
    this.#before(told);
  }

  /** Likewise a member's. @param name of the command that removes members of its key */
  memberExpired(
    database: number,
    name: string,
    key: Buffer,
    start: number,
    end: number,
    member: Buffer,
    from: number,
    to: number,
  ): void {
    const { told } = this;
    this.begin(database, 3);
    this.text(name);
    this.bytes(key, start, end);
    this.bytes(member, from, to);
    this.#before(told);
  }

  /** What was just written is no effect of the command under way. @param told what it had told before */
  #before(told: number): void {
    this.told = told;
    if (told === 0) this.#start = this.pos;
  }

  // ---- whoever keeps the effects ----

  /** The first `size` bytes are kept, or nobody wants them any more. */
  taken(size: number): void {
    this.#base += size;
    const left = this.pos - size;
    if (left > 0) this.buffer.copyWithin(0, size, this.pos);
    else if (this.buffer.length > EFFECT_BUFFER_KEEP) {
      freeBuffer(this.buffer);
      this.buffer = EMPTY;
    }
    this.pos = left;
    this.#start = Math.max(0, this.#start - size);
    this.#blockStart = Math.max(0, this.#blockStart - size);
  }

  /** What follows will stand at the beginning of something that is read by itself. */
  forgetDatabase(): void {
    this.#database = -1;
  }

  // ---- inside ----

  #select(database: number): void {
    if (this.pos === 0) this.onPending();
    this.#blockEffects++;
    if (this.#isOpen && !this.#isHeaded) {
      this.#isHeaded = true;
      this.#append(MULTI);
    }
    if (database === this.#database) return;
    this.#database = database;
    this.#header(STAR, 2);
    this.text("SELECT");
    this.integer(database);
  }

  #append(bytes: Buffer): void {
    this.#ensure(bytes.length);
    bytes.copy(this.buffer, this.pos);
    this.pos += bytes.length;
  }

  #header(type: number, value: number): void {
    this.#ensure(HEADER_MAX);
    const { buffer } = this;
    buffer[this.pos] = type;
    this.#endLine(writeInteger(buffer, this.pos + 1, value));
  }

  #endLine(pos: number): void {
    this.buffer[pos] = CR;
    this.buffer[pos + 1] = LF;
    this.pos = pos + 2;
  }

  #ensure(size: number): void {
    const needed = this.pos + size + TAIL_SIZE;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(
      Math.max(EFFECT_BUFFER_SIZE, this.buffer.length * 2, needed),
    );
    this.buffer.copy(larger, 0, 0, this.pos);
    freeLarge(this.buffer);
    this.buffer = larger;
  }
}
