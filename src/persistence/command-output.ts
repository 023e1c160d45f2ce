/**
 * Commands on their way to a file, with marks (aof-marks.ts) between them. Without a sink they are collected, for whoever puts
 * them into a file behind others.
 */
import { EffectStream } from "../effects/effect-stream.ts";
import { addToCrc, MARK_SIZE, writeMark } from "./aof-marks.ts";
import type { ByteSink } from "./byte-sink.ts";

/** Bytes that are written together. */
const FLUSH_SIZE: number = 256 * 1024;

export class CommandOutput {
  /** Takes the arguments of the command that `begin` began. */
  readonly words: EffectStream = new EffectStream();
  readonly #sink: ByteSink | null;
  /** Checksum of what was handed to the sink. */
  #crc = 0;

  /** @param sink of a file that this begins, or null to collect */
  constructor(sink: ByteSink | null) {
    this.#sink = sink;
    if (sink === null) return;
    const mark = Buffer.alloc(MARK_SIZE);
    writeMark(mark, 0, 0);
    this.#hand(mark, MARK_SIZE);
  }

  /** Begins a command of `count` arguments, its name included, on a database. The one before it is complete. */
  begin(database: number, count: number): void {
    if (this.#sink !== null && this.words.pos >= FLUSH_SIZE) this.flush();
    this.words.begin(database, count);
  }

  /** Writes a line that is no command, such as a time. */
  line(bytes: Buffer): void {
    this.flush();
    this.#hand(bytes, bytes.length);
  }

  /** Hands all commands to the sink, with a mark behind them. */
  flush(): void {
    const { words } = this;
    const { buffer, pos } = words;
    if (pos === 0) return;
    writeMark(buffer, pos, addToCrc(this.#crc, buffer, 0, pos));
    this.#hand(buffer, pos + MARK_SIZE);
    words.taken(pos);
  }

  /** What was collected in another one follows, and is gone there. */
  take({ words }: CommandOutput): void {
    const { buffer, pos } = words;
    if (pos === 0) return;
    this.flush();
    this.#hand(buffer, pos);
    words.taken(pos);
    words.forgetDatabase();
    this.words.forgetDatabase();
  }

  #hand(bytes: Buffer, size: number): void {
    this.#crc = addToCrc(this.#crc, bytes, 0, size);
    this.#sink!.write(bytes, 0, size);
  }
}
