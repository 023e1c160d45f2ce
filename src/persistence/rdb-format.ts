/**
 * The codes of RDB files and DUMP payloads. The format, as far as it is the same everywhere:
 *
 *   file      "REDIS", version in four digits (others: rdb-dialect.ts), { opcode ... | [expiry] [IDLE | FREQ] type, key, value }, EOF, checksum
 *   DUMP      [RDB_MEMBER_TIMES, times] type, value, version u16, checksum
 *   length    00LLLLLL | 01LLLLLL L | 10000000 u32 | 10000001 u64, the high byte first;
 *             11eeeeee: no length but a string in another form (ENCODED_...)
 *   string    length, bytes | 11000000 i8 | 11000001 i16 | 11000010 i32 | 11000011 length, length, LZF
 *   time, double     eight bytes, the low one first
 *   checksum         crc64.ts; 0 in a file: none
 *
 * Redis's rdb.h names the codes; it is what they were taken from.
 */

/** What is written: read by Redis 7.0 and everything since. */
export const VERSION_WRITTEN = 10;
/** What is written where fields of hashes expire: read by Redis 7.4 and everything since. */
export const VERSION_TIMED = 12;
// Opcodes, in the place of a type.
/** Metadata of a module in Redis, a slot that is being moved in Valkey. */
export const OPCODE_FOREIGN = 243;
export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION2 = 245;
export const OPCODE_FUNCTION_PRE_GA = 246;
export const OPCODE_MODULE_AUX = 247;
export const OPCODE_IDLE = 248;
export const OPCODE_FREQ = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZEDB = 251;
export const OPCODE_EXPIRETIME_MS = 252;
export const OPCODE_EXPIRETIME = 253;
export const OPCODE_SELECTDB = 254;
export const OPCODE_EOF = 255;

// Types of values.
export const RDB_STRING = 0;
export const RDB_LIST = 1;
export const RDB_SET = 2;
/** Scores as text. */
export const RDB_ZSET = 3;
export const RDB_HASH = 4;
/** Scores as eight bytes. */
export const RDB_ZSET_2 = 5;
export const RDB_MODULE = 6;
export const RDB_MODULE_2 = 7;
export const RDB_HASH_ZIPMAP = 9;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_SET_INTSET = 11;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_HASH_ZIPLIST = 13;
/** Nodes that are ziplists. */
export const RDB_LIST_QUICKLIST = 14;
export const RDB_STREAM_LISTPACKS = 15;
export const RDB_HASH_LISTPACK = 16;
export const RDB_ZSET_LISTPACK = 17;
/** Nodes that are listpacks or single elements. */
export const RDB_LIST_QUICKLIST_2 = 18;
/** With the first id, the greatest deleted one and the number of entries ever added. */
export const RDB_STREAM_LISTPACKS_2 = 19;
/** Since version 11. */
export const RDB_SET_LISTPACK = 20;
/** With the time of a consumer's last success; since version 11. */
export const RDB_STREAM_LISTPACKS_3 = 21;
/** Hashes whose fields expire, in the form of the release candidates of 7.4: times are not relative to the earliest. */
export const RDB_HASH_METADATA_PRE_GA = 22;
export const RDB_HASH_LISTPACK_EX_PRE_GA = 23;
/** The earliest time i64, number of fields, { time, field, value }; a time is a length: 0 for none, else relative, and one more. */
export const RDB_HASH_METADATA = 24;
/** The earliest time i64, a listpack of field, value, time; 0 is none, times are absolute. */
export const RDB_HASH_LISTPACK_EX = 25;

/** In the place of RDB_HASH_METADATA_PRE_GA in Valkey: number of fields, { field, value, time i64 }; a time is absolute, -1 is none. */
export const VALKEY_HASH_2 = 22;
/** The same by a code that no file has. */
export const RDB_HASH_TIMED = 256;

/** Our own auxiliary field: the times of members of the set or sorted set that follows, as { string, i64 }. */
export const AUX_MEMBER_TIMES = "hutch-member-times";

/**
 * In the place of a DUMP payload's type, our own: a string with the same times, then type and value. Only payloads with times
 * have it. Redis and Valkey know no such type: RESTORE answers "Bad data format" there and changes nothing, so nobody takes
 * such a value for one that stays for ever.
 */
export const RDB_MEMBER_TIMES = 180;

// Lengths.
export const LENGTH_14 = 0x40;
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
export const ENCODED = 0xc0;
export const ENCODED_INT8 = 0xc0;
export const ENCODED_INT16 = 0xc1;
export const ENCODED_INT32 = 0xc2;
export const ENCODED_LZF = 0xc3;

// Nodes of RDB_LIST_QUICKLIST_2.
export const NODE_PLAIN = 1;
export const NODE_PACKED = 2;

/** Version and checksum at the end of a DUMP payload. */
export const FOOTER_SIZE = 10;
