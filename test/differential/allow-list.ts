/**
 * Differences from redis-server 7.0.15 that are meant to be, each with its reason. Mostly what Redis itself changed until 7.4,
 * which is the behaviour that Hutch follows.
 */

export interface AllowedDifference {
  /** Matches the command line as reports print it. */
  readonly command: RegExp;
  /** Matches our reply and theirs as reports print them. */
  readonly ours?: RegExp;
  readonly theirs?: RegExp;
  readonly reason: string;
}

export const ALLOWED_DIFFERENCES: readonly AllowedDifference[] = [
  {
    command: /^OBJECT ENCODING /i,
    ours: /^"listpack"$/,
    theirs: /^"quicklist"$/,
    reason: "since 7.2 a short list is one listpack",
  },
  {
    command: /^LPOS .* RANK -9223372036854775808/i,
    ours: /^-ERR value is out of range/,
    reason: "since 7.2 the one rank whose opposite is no integer is refused",
  },
  {
    command: /^HELLO 3 AUTH nobody x SETNAME$/i,
    ours: /Syntax error in HELLO option/,
    theirs: /^-WRONGPASS/,
    reason: "since 7.2 HELLO reads all of its options before it acts on any",
  },
  {
    command: /^COMMAND GETKEYS PFMERGE k$/i,
    ours: /^\["k"\]$/,
    theirs: /^-ERR Invalid arguments/,
    reason:
      "redis-server does not see the key of PFMERGE without sources, which writes it all the same",
  },
  {
    command: /^CLIENT PAUSE 9223372036854775807/i,
    ours: /^-ERR timeout is out of range$/,
    theirs: /^\+OK$/,
    reason: "since 7.2 a time is refused whose end does not fit into 64 bits",
  },
  {
    command: /^OBJECT REFCOUNT /i,
    ours: /^:1$/,
    theirs: /^:2147483647$/,
    reason:
      "redis-server shares the objects of small integers between keys; values of Hutch stand in their entries",
  },
  {
    command: /^MEMORY USAGE /i,
    ours: /^null/,
    theirs: /^:\d+$/,
    reason:
      "redis-server measures a key whose time has come and that nobody asked for yet; no command of Hutch sees one",
  },
  {
    command: /^B(L|R|Z)/i,
    ours: /^-ERR timeout is out of range$/,
    theirs: /^-ERR timeout is negative$/,
    reason: "since 7.2 a time that is too long is not taken for a negative one",
  },
  {
    command: /^XREAD(GROUP)? .*BLOCK 9223372036854775807/i,
    ours: /^-ERR timeout is out of range$/,
    reason: "since 7.2 a time is refused whose end does not fit into 64 bits",
  },
  {
    command: /^XAUTOCLAIM .* COUNT 2147483648/i,
    reason: "redis-server allocates room for as many ids, which depends on the machine's memory",
  },
  {
    command: /^BIT(COUNT|POS) /i,
    ours: /^-ERR /,
    theirs: /^(:0|:-1|-WRONGTYPE .*)$/,
    reason: "since 7.2 the arguments are checked before the key is looked at",
  },
  {
    command: /^OBJECT ENCODING /i,
    ours: /listpack/,
    theirs: /hashtable/,
    reason: "since 7.2 small sets that hold more than integers are listpacks",
  },
  {
    command: /^Z(REV)?RANK /i,
    ours: /^-(ERR syntax error|WRONGTYPE .*)$|^(null|\[|:)/,
    theirs: /^-ERR wrong number of arguments/,
    reason: "since 7.2 an option may follow the member",
  },
  {
    // Of the data set that is left, not a command that somebody sent.
    command: /^OBJECT ENCODING db\d+ /,
    ours: /listpack/,
    theirs: /skiplist/,
    reason:
      "redis-server turns a sorted set to a skiplist when SORT reads it; reading changes nothing here",
  },
];

/** Whether the difference is one of the list. */
export function isAllowed(command: string, ours: string, theirs: string): boolean {
  return ALLOWED_DIFFERENCES.some(
    (allowed) =>
      allowed.command.test(command) &&
      (allowed.ours?.test(ours) ?? true) &&
      (allowed.theirs?.test(theirs) ?? true),
  );
}
