/** What a value is: its type and how it is laid out, as small codes that stand in the entry of its key. */

export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_ZSET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 5;

/** The names that TYPE answers, by type code. */
export const TYPE_NAMES: readonly string[] = ["string", "list", "set", "zset", "hash", "stream"];

/** A string that is a canonical 64-bit integer: kept as two words. */
export const ENCODING_INT = 0;
/** A string up to 44 bytes that was set whole; it stands behind its key. */
export const ENCODING_EMBSTR = 1;
/** A longer string, or one that was changed in place, short enough to stand behind its key. */
export const ENCODING_RAW = 2;
/** A raw string in a block of its own. */
export const ENCODING_BLOB = 3;

// Collections; each lies in blocks of its own, named by the entry. Codes from ENCODING_BLOB on have a block.
export const ENCODING_LISTPACK = 4;
export const ENCODING_QUICKLIST = 5;
/** A dict of members or fields. */
export const ENCODING_HASHTABLE = 6;
export const ENCODING_INTSET = 7;
/** A dict and an ordered tree; Redis's name for its own pair is "skiplist". */
export const ENCODING_SKIPLIST = 8;
export const ENCODING_STREAM = 9;
/**
 * Another collection with members that expire, see member-times.ts. The highest code that an entry has room for, so that one
 * comparison tells entries which have to do with the clock.
 */
export const ENCODING_TIMED = 15;

/** The names that OBJECT ENCODING answers, by encoding code; of what is timed, that of the collection inside. */
export const ENCODING_NAMES: readonly string[] = [
  "int",
  "embstr",
  "raw",
  "raw",
  "listpack",
  "quicklist",
  "hashtable",
  "intset",
  "skiplist",
  "stream",
];

/** The longest string that Redis calls "embstr". */
export const EMBSTR_SIZE_MAX = 44;

/** What Redis calls a packed hash with fields that expire. */
export const PACKED_TIMED_HASH_NAME = "listpackex";
