/**
 * Every bound in one place, with its reason. What an operator may change is an option instead (`option-table.ts`), whose
 * default may stand here.
 */
import { assert } from "./assert.ts";

/** Longest key or value: Redis's default for `proto-max-bulk-len`. */
export const BULK_SIZE_MAX: number = 512 * 1024 * 1024;
/** The least that `proto-max-bulk-len` may be set to. */
export const BULK_SIZE_MIN: number = 1024 * 1024;

/**
 * Longest string that commands may build, however large `proto-max-bulk-len` is: it lies in one block, which stays below
 * 2 GiB, with up to 1 MiB of room to grow.
 */
export const STRING_SIZE_MAX: number = 2 ** 31 - 2 * 1024 * 1024;

/** Largest table of LCS in bytes: the largest buffer there is. */
export const LCS_TABLE_SIZE_MAX: number = 2 ** 32 - 4;

/** Arguments of one command. Redis allows 2^31 - 1; no client sends a million, and an array is 8 bytes each. */
export const ARGUMENTS_MAX: number = 1024 * 1024;

/** Longest inline command or header line: Redis's PROTO_INLINE_MAX_SIZE. */
export const LINE_SIZE_MAX: number = 64 * 1024;

/** Arguments and their sizes before authentication, as in Redis. */
export const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
export const UNAUTHENTICATED_BULK_SIZE_MAX = 16384;
/** Unsent replies before authentication; whoever does not read his errors is not served (CVE-2025-21605). */
export const UNAUTHENTICATED_OUTPUT_MAX = 1024;
/** Bytes of unfinished commands before authentication. */
export const UNAUTHENTICATED_INPUT_MAX: number = 64 * 1024;
/** Failed AUTHs of one connection. */
export const FAILED_AUTH_MAX = 10;
/** Time a connection may stay unauthenticated while a password is set. */
export const AUTH_TIMEOUT_MS = 10_000;
/** Time for a TLS handshake. */
export const HANDSHAKE_TIMEOUT_MS = 8_000;
/** Time that the last bytes of a TLS connection may take to leave. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Bytes of unfinished commands, however large `client-query-buffer-limit` is: `Args` holds positions in 32 bits. */
export const INPUT_MAX: number = 2 ** 31 - 1;

/** Elements that a negative count asks for by chance, each as often as it comes: a second's work at most. */
export const RANDOM_REPEATS_MAX = 10_000_000;

/**
 * A larger buffer is freed when it is used no more. That costs 0.2 us for the smallest of them, and from 64 KiB on less than to collect
 * it; before the collector sees to them what large values leave behind comes to 170 MB, since it takes the arena for a part of its heap.
 */
export const BUFFER_COLLECTED_MAX: number = 16 * 1024;
/** First size of a connection's read buffer, taken when a command arrives in pieces. */
export const READ_BUFFER_SIZE = 1024;
/** A larger read buffer is let go when it is empty. */
export const READ_BUFFER_KEEP: number = 64 * 1024;

/** First size of a connection's reply buffer, and of those that the pool keeps. */
export const REPLY_BUFFER_SIZE: number = 16 * 1024;
/** What a reply buffer grows to first, and the size of the few large ones that the pool keeps: a batch and a reply more. */
export const REPLY_BUFFER_LARGE_SIZE: number = 128 * 1024;
/** Reply bytes that are written to the socket in the middle of a batch: few enough to stay in the processor's caches. */
export const REPLY_FLUSH_SIZE: number = 64 * 1024;
/** Replies of one connection that were not handed to the socket yet: one command must not write more than this. */
export const REPLY_SIZE_MAX: number = 1024 * 1024 * 1024;
/** Unsent bytes above which a connection runs no further command until they have drained. */
export const OUTPUT_PAUSE_SIZE: number = 1024 * 1024;

/** A larger buffer of queued commands is let go when they have run. */
export const TRANSACTION_BUFFER_KEEP: number = 64 * 1024;
/** Queues of transactions that wait for the next MULTI, so that a pipeline's transactions use the same memory again. */
export const TRANSACTIONS_KEEP = 16;

/** First size of the buffer of effects that wait to be kept: about a turn of a busy server. */
export const EFFECT_BUFFER_SIZE: number = 64 * 1024;
/** A larger one is let go when it is empty. */
export const EFFECT_BUFFER_KEEP: number = 4 * 1024 * 1024;
/** Arguments of one effect: what names more members than that is told in several. */
export const EFFECT_ARGUMENTS_MAX: number = 1024;

/** Scripts that are kept though only EVAL named them. */
export const SCRIPTS_KEEP = 500;
/** Nanoseconds that a library may take to register its functions: Redis's bound. */
export const FUNCTION_LOAD_NS = 500e6;
/** Bytes of the JavaScript heap that a script may take: more than one needs, and less than would starve the data. */
export const SCRIPT_MEMORY_MAX: number = 512 * 1024 * 1024;
/** Bytes of answers that are recorded for a script, so that it can be run again in a thread of its own. */
export const SCRIPT_RECORD_MAX: number = 64 * 1024 * 1024;
/** A larger record is let go when the next script begins. */
export const SCRIPT_RECORD_KEEP: number = 256 * 1024;
/** A longer string of a script could not be the argument of a command either. */
export const SCRIPT_STRING_MAX: number = BULK_SIZE_MAX;

/** Bytes of a log that are read at a time. */
export const AOF_READ_SIZE: number = 256 * 1024;

/** Largest frame of the native protocol's strings. */
export const NATIVE_STRING_MAX: number = BULK_SIZE_MAX;

assert(REPLY_BUFFER_SIZE < REPLY_FLUSH_SIZE, "a batch is flushed only after its buffer has grown");
assert(REPLY_FLUSH_SIZE < REPLY_BUFFER_LARGE_SIZE, "most batches end in one large buffer");
assert(REPLY_FLUSH_SIZE < OUTPUT_PAUSE_SIZE, "a connection pauses only after a flush did not help");
