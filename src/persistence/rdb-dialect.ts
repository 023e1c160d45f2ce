/**
 * Whose RDB it is: Redis and Valkey number what they have added since they parted each in its own way, and give one code to
 * different things.
 *
 *   Redis   "REDIS0001" to "REDIS0014"   up to 12 (Redis 7.4, 8.0) everything is read. 13 and 14 add streams that remember what
 *                                        their producers sent (26) or whose entries were given back (27), arrays (28), and
 *                                        metadata of modules (243), which are not: where they have none of that, they are
 *   Valkey  "REDIS0011"                  up to Valkey 8, as Redis
 *           "VALKEY080", "VALKEY081"     Valkey 9: hashes whose fields expire (22). Slots that are being moved (243), and what
 *                                        9.2 adds, are not read
 *
 * A DUMP payload has the version alone. The codes are those of rdb.h of Valkey and of readers of Redis's format; a file that is
 * not understood is refused with what was found and what can be read.
 */
import * as format from "./rdb-format.ts";

const REDIS_MAX = 14;
const VALKEY_MIN = 80;
const VALKEY_MAX = 81;
/** The first of the types that mean something else in Valkey, and the last. */
const OWN_MIN = 22;
const OWN_MAX = 242;
/** A type that nobody has. */
const UNKNOWN = -1;

/** Bytes of a file's first word, with the version. */
export const HEADER_SIZE = 9;
/** Bytes by which a file can be told from one of commands. */
export const SIGNATURE_SIZE = 5;

export interface Dialect {
  readonly isValkey: boolean;
  readonly version: number;
}

/** Whether a file that begins with these bytes, SIGNATURE_SIZE of them, is an RDB file. */
export function isSignature(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", 0, SIGNATURE_SIZE);
  return text === "REDIS" || text === "VALKE";
}

/** What the first bytes of a file say; why it can't be read, as a text. */
export function dialectOf(header: string): Dialect | string {
  const [, redis, valkey] = /^(?:REDIS(\d{4})|VALKEY(\d{3}))$/.exec(header) ?? [];
  if (redis === undefined && valkey === undefined) return "this is no RDB file";
  const isValkey = valkey !== undefined;
  const version = Number(redis ?? valkey);
  const [least, most] = isValkey ? [VALKEY_MIN, VALKEY_MAX] : [1, REDIS_MAX];
  if (version >= least && version <= most) return { isValkey, version };
  const whose = isValkey ? "Valkey's" : "Redis's";
  return `${whose} version ${version} can't be read, ${least} to ${most} can`;
}

/** The same of a payload's version; null if it can't be read. */
export function dialectOfVersion(version: number): Dialect | null {
  const isValkey = version >= VALKEY_MIN && version <= VALKEY_MAX;
  return isValkey || version <= REDIS_MAX ? { isValkey, version } : null;
}

/** Our code for a type of theirs; one that `typeOfRdb` does not know if nobody here can read it. */
export function typeIn({ isValkey }: Dialect, type: number): number {
  if (!isValkey || type < OWN_MIN || type > OWN_MAX) return type;
  return type === format.VALKEY_HASH_2 ? format.RDB_HASH_TIMED : UNKNOWN;
}
