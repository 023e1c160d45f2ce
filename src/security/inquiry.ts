/** A question to access control: one command line, and what it would touch. Filled by the caller, asked by selectors. */

/** The arguments of a command line: slices of one buffer. */
export interface Line {
  readonly bytes: Buffer;
  /** Arguments, the command's name included. */
  readonly count: number;
  start(index: number): number;
  end(index: number): number;
}

// What is done with a key, as bits.
export const READS = 1;
export const WRITES = 2;
export const READS_AND_WRITES: number = READS | WRITES;

/** The arguments that are keys. */
export interface KeyUses {
  readonly count: number;
  /** Indexes of the arguments. */
  readonly positions: readonly number[];
  /** What is done with each: READS, WRITES, both or, if only its existence counts, neither. */
  readonly access: readonly number[];
}

/** The arguments that are channels: those from `first` to before `end`. */
export interface ChannelUses {
  readonly first: number;
  readonly end: number;
  /** They are patterns of channels. */
  readonly patterns: boolean;
}

export interface Inquiry {
  /** The command's id in the catalogue. */
  readonly commandId: number;
  /** Everybody may run it: one needs it to log in or to leave. */
  readonly isFree: boolean;
  readonly line: Line;
  /** Index of the argument that rules like "+select|0" speak of: behind the names of command and subcommand. */
  readonly firstArgument: number;
  /** The keys of the line; null if the command has none. Found once, however often it is asked. */
  keys(): KeyUses | null;
  /** The channels of the line; null if the command has none. */
  channels(): ChannelUses | null;
}

// Answers. Where several selectors deny, the greatest tells why: it came nearest.
export const ALLOWED = 0;
export const DENIED_COMMAND = 1;
export const DENIED_KEY = 2;
export const DENIED_CHANNEL = 4;
